def main():
    x = [1]
    return [x, x, {'x': x}]
