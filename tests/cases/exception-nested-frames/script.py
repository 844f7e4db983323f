def inner(n):
    return [][n]


def middle(n):
    return inner(n)


def main():
    return middle(7)
