class Evil(dict):
    def items(self):
        raise SystemExit(3)

    def __iter__(self):
        raise KeyboardInterrupt

    def __len__(self):
        return -1


class Liar:
    __class__ = property(lambda self: 1 / 0)


def main():
    return [Liar(), Evil(a=1)]
