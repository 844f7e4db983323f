import errno


def main():
    try:
        for n in range(100):
            with open(f"f{n}", "wb") as f:
                f.write(b"x" * (5 << 20))
    except OSError as e:
        return [errno.errorcode[e.errno], n * 5 <= 64]
