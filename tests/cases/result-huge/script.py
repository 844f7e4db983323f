def main():
    return ['x' * 1000] * 50000
