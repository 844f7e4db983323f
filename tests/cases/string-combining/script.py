def main():
    return ["e\u0301", "\u00e9"]
