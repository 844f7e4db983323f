def main():
    raise MemoryError('mine')
