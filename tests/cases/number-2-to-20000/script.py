def main():
    return 2**20000
