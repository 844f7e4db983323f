def main():
    return "😀𝔘\U0010ffff"
