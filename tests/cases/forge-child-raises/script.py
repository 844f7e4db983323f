import os


def main():
    if os.fork() == 0:
        raise ValueError("FORGED")
    os.wait()
    return "real"
