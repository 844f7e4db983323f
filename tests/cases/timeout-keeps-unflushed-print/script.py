import time


def main():
    print('no newline', end='')
    time.sleep(60)
