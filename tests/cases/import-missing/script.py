import no_such_module


def main():
    return 1
