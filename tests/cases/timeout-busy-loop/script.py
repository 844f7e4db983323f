def main():
    print('spin', end='')
    while True:
        pass
