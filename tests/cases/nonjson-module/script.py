import os


def main():
    return {'os': os}
