raise SystemExit


def main():
    return 1
