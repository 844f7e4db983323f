def main():
    return int
