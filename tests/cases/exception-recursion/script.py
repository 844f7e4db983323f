def main():
    return main()
