def main():
    print('a\ud800b\udc80c')
    return 1
