class Thing:
    pass


def main():
    return [Thing()]
