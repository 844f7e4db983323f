import time

print('import')
time.sleep(60)


def main():
    return 1
