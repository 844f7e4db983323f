import errno


def main():
    try:
        with open("big", "wb") as f:
            for _ in range(64):
                f.write(b"x" * (1 << 20))
                f.flush()
    except OSError as e:
        return errno.errorcode[e.errno]
