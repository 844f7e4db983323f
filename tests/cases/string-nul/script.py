def main():
    return {"a\0b": "c\0d"}
