def main():
    return 2**2000
