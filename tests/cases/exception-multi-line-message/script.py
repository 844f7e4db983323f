def main():
    raise ValueError('a\nb')
