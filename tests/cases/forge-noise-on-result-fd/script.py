import os


def main():
    os.write(3, b'noise')
    return 'real'
