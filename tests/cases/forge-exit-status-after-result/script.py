import os
import sys


def main():
    real = os._exit
    os._exit = lambda status: real(9)
    return "real"
