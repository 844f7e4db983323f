print('at import')


def main():
    print('in main')
    return 1
