class A:
    def main(self):
        return 1
