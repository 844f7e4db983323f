def main():
    raise ValueError('x' * 5000000)
