import os


def main():
    os.makedirs("a/b")
    with open("a/b/c.txt", "w", encoding="utf-8") as f:
        f.write("däta")
    with open("a/b/c.txt", encoding="utf-8") as f:
        return f.read()
