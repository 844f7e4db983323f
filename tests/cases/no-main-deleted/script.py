def main():
    return 1


del main
