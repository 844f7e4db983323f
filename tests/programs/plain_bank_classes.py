# SPDX-License-Identifier: MIT
"""The usual exercise: accounts, inheritance, properties, exceptions, operator overloading."""


class InsufficientFunds(Exception):
    def __init__(self, needed):
        super().__init__(f"{needed:.2f} more needed")
        self.needed = needed


class Account:
    def __init__(self, owner, balance=0.0):
        self.owner, self._balance, self.log = owner, balance, []

    @property
    def balance(self):
        return round(self._balance, 2)

    def withdraw(self, amount):
        if amount > self._balance:
            raise InsufficientFunds(amount - self._balance)
        self._balance -= amount
        self.log.append(("withdraw", amount))

    def __add__(self, other):
        return Account(f"{self.owner}+{other.owner}", self._balance + other._balance)

    def __repr__(self):
        return f"{type(self).__name__}({self.owner!r}, {self.balance})"


class Savings(Account):
    rate = 0.03

    def year(self):
        self._balance *= 1 + self.rate
        return self


def main():
    a, s = Account("ada", 100), Savings("bob", 1000)
    a.withdraw(30.5)
    try:
        a.withdraw(500)
        error = None
    except InsufficientFunds as e:
        error = [str(e), round(e.needed, 2)]
    s.year().year()
    print(a, s, a + s, sep="\n")
    return {"a": a.balance, "s": s.balance, "sum": (a + s).balance, "error": error, "log": a.log}
