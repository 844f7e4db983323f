def main():
    return 'abc
