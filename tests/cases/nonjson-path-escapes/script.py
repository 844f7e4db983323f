def main():
    return {"a\"b": [{"\n": {1}}]}
