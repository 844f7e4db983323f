# SPDX-License-Identifier: MIT
"""dataclasses: ordering, frozen, post-init, string annotations, replace, slots."""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(order=True)
class Version:
    major: int
    minor: int = 0
    label: str = field(default="", compare=False)
    count: ClassVar[int] = 0


@dataclass(frozen=True)
class Money:
    cents: int
    currency: str = "EUR"

    def __post_init__(self):
        if self.cents < 0:
            raise ValueError("negative")


@dataclass
class Account:
    owner: str
    balance: Money
    history: list[Money] = field(default_factory=list)


def main():
    account = Account("ada", Money(1050))
    account.history.append(dataclasses.replace(account.balance, cents=7))
    try:
        account.balance.cents = 1
        frozen = False
    except dataclasses.FrozenInstanceError:
        frozen = True
    print(repr(Money(5)))
    return {"account": account, "asdict": dataclasses.asdict(account), "frozen": frozen,
            "sorted": [repr(v) for v in sorted([Version(2), Version(1, 5, "x"), Version(1, 0)])],
            "fields": [f.name for f in dataclasses.fields(Version)], "hash": hash(Money(1)) == hash(Money(1))}
