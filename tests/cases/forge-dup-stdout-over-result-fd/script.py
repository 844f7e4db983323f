import os


def main():
    os.dup2(1, 3)
    return 'real'
