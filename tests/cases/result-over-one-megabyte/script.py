def main():
    return 'x' * 1048576
