def main():
    return {"a\0": 1, "a\ufdd0": 2}
