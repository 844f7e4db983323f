def main():
    x = 0
    return 1 / x
