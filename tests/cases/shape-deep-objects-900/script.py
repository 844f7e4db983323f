def main():
    value = 1
    for _ in range(900):
        value = {'k': value}
    return value
