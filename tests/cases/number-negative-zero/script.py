def main():
    return -0.0
