def main():
    return 1e308
