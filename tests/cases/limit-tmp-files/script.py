import errno


def main():
    try:
        for n in range(2000000):
            open(f"f{n}", "wb").close()
    except OSError as e:
        return errno.errorcode[e.errno]
