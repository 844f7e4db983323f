def main():
    return [frozenset()]
