import sys


def main():
    return [len(sys.argv), sys.argv[0].rpartition("/")[2], sys.stdin.read()]
