def main():
    value = []
    for _ in range(1499):
        value = [value]
    return value
