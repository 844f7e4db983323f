from collections import namedtuple

Point = namedtuple("Point", "x y")


def main():
    return Point(1, 2)
