def run():
    def main():
        return 1
    return main()
