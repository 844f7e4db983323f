def main():
    return [True, 1, False, 0]
