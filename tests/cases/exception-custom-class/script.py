class Mine(Exception):
    pass


def main():
    raise Mine('own')
