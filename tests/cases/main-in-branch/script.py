if True:
    def main():
        return 'branch'
