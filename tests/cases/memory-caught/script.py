def main():
    try:
        bytearray(10**11)
    except MemoryError:
        return 'caught'
