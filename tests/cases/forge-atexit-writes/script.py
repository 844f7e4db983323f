import atexit
import os


def main():
    atexit.register(os.write, 3, b'FORGED')
    return 'real'
