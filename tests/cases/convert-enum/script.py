from enum import Enum, Flag, IntEnum


class Colour(Enum):
    RED = "red"
    PAIR = (1, 2)


class Level(IntEnum):
    LOW = 1


class Bits(Flag):
    A = 1
    B = 2


def main():
    return [Colour.RED, Colour.PAIR, Level.LOW, Bits.A | Bits.B, {Colour.RED: 1, Level.LOW: 2}]
