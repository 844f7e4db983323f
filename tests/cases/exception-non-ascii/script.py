def main():
    raise ValueError('größer als Ω')
