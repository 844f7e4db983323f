def main():
    print("a" * 1000, end="")
    return "done"
