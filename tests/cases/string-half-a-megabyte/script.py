def main():
    return "ä" * 250000
