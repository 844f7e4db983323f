import os

print('before')
os.abort()


def main():
    return 1
