def main():
    return 1e-7
