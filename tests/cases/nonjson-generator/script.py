def main():
    return (i for i in range(3))
