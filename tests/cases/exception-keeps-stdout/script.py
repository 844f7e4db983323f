def main():
    print('one')
    print('two', end='')
    raise ValueError('no')
