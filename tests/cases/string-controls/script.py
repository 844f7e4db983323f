def main():
    return "".join(map(chr, range(32))) + "\x7f"
