def main():
    s = 'ab'
    while True:
        s += s
