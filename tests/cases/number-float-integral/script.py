def main():
    return 3.0
