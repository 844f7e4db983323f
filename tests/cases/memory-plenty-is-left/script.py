def main():
    block = bytearray(300 << 20)
    for i in range(0, len(block), 4096):
        block[i] = 1
    return len(block)
