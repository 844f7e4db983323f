import sys


def main():
    return [__name__, sys.modules["script"].main is main, main.__module__,
            __file__.rpartition("/")[2]]
