import os


def main():
    if os.fork() == 0:
        return "FORGED"
    os.wait()
    return "real"
