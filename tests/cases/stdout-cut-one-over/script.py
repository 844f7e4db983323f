def main():
    print("a" * 1000 + "b", end="")
    return "done"
