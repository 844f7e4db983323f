# SPDX-License-Identifier: MIT
"""enum: members, flags, auto, unique, functional API, methods."""
import enum


@enum.unique
class Planet(enum.Enum):
    MERCURY = (3.303e23, 2.4397e6)
    EARTH = (5.976e24, 6.37814e6)

    def __init__(self, mass, radius):
        self.mass, self.radius = mass, radius

    @property
    def gravity(self):
        return 6.6743e-11 * self.mass / self.radius ** 2


class Permission(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()
    EXEC = enum.auto()


class Status(str, enum.Enum):
    OPEN = "open"
    DONE = "done"


Animal = enum.Enum("Animal", "ANT BEE CAT")


def main():
    both = Permission.READ | Permission.WRITE
    print(Planet.EARTH.name, round(Planet.EARTH.gravity, 3))
    return {"flag": both, "has": Permission.WRITE in both, "status": [Status.OPEN, Status("done").name],
            "animals": [a.name for a in Animal], "lookup": Animal["BEE"].value,
            "planet": Planet.MERCURY, "keys": {Status.OPEN: 1}}
