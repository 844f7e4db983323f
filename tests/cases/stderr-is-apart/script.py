import os
import sys
import warnings


def main():
    warnings.warn("old")
    print("noise", file=sys.stderr)
    os.write(2, b"\xff\xfe raw")
    print("out")
    return 1
