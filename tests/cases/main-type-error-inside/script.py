def helper(x):
    return x


def main():
    return helper()
