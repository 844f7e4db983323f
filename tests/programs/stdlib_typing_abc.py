# SPDX-License-Identifier: MIT
"""typing, abc, protocols, generics: annotations resolved at run time."""
from __future__ import annotations

import abc
import typing
from collections.abc import Iterable, Sized
from typing import Generic, NamedTuple, Optional, Protocol, TypedDict, TypeVar, runtime_checkable

T = TypeVar("T")


class Stack(Generic[T]):
    def __init__(self) -> None:
        self.items: list[T] = []

    def push(self, item: T) -> Stack[T]:
        self.items.append(item)
        return self

    def __len__(self):
        return len(self.items)


class Movie(TypedDict, total=False):
    title: str
    year: Optional[int]


class Person(NamedTuple):
    name: str
    age: int = 0


@runtime_checkable
class Closes(Protocol):
    def close(self) -> None: ...


class Base(abc.ABC):
    @abc.abstractmethod
    def run(self): ...


def main():
    try:
        Base()
        abstract = False
    except TypeError:
        abstract = True
    print(typing.get_type_hints(Movie))
    return {"stack": Stack[int]().push(1).push(2).items, "sized": isinstance(Stack(), Sized),
            "hints": {k: str(v) for k, v in typing.get_type_hints(Person).items()}, "person": Person("Ada"),
            "protocol": isinstance(open(__file__), Closes), "abstract": abstract,
            "iterable": issubclass(dict, Iterable), "movie": Movie(title="Alien", year=None)}
