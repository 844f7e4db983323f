def main():
    print("a" * 999 + "ä", end="")
    return "done"
