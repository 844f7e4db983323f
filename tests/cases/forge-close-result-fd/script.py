import os


def main():
    os.close(3)
    return 'real'
