import time


def main():
    print('sleeping')
    time.sleep(60)
