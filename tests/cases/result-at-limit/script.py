def main():
    return 'x' * 998
