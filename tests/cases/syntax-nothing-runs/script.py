print('never')


def main():
    return 1 +
