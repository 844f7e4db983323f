def main():
    return b'ä'
