def main():
    return bytearray(b'x')
