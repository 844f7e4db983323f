import os


def main():
    os.closerange(3, 256)
    return 'real'
