from dataclasses import dataclass, field
from datetime import date


@dataclass
class Inner:
    when: date


@dataclass
class Outer:
    name: str
    inner: Inner
    tags: list = field(default_factory=list)


def main():
    return Outer("n", Inner(date(2024, 1, 2)), ["a"])
