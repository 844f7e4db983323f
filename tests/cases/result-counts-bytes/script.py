def main():
    return 'ä' * 600
