import os


def main():
    os.close(1)
    os.close(2)
    os.close(0)
    return 'quiet'
