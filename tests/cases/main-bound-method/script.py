class Counter:
    def run(self, step=2):
        return step


main = Counter().run
