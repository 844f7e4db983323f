def main():
    print('z' * 1000000)
    raise ValueError('after the flood')
