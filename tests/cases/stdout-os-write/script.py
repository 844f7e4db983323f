import os


def main():
    print('a')
    os.write(1, b'b')
    print('c')
