def main():
    return 5e-324
