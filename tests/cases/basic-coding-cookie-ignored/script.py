# -*- coding: latin-1 -*-
def main():
    return "é"
