import sys


def main():
    print('leaving')
    sys.exit(3)
