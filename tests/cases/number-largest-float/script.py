def main():
    return 1.7976931348623157e308
