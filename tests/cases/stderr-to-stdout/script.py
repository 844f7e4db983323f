import os


def main():
    os.dup2(1, 2)
    os.write(2, b'joined')
