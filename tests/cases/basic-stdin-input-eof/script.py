def main():
    try:
        return input("name? ")
    except EOFError:
        return "EOF"
