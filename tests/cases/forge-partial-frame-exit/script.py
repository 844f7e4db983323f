import os


def main():
    os.write(3, bytes(20))
    os._exit(0)
