import os


def main():
    print('before')
    os.abort()
