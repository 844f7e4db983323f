def main():
    print('HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n')
    return 2
