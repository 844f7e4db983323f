import os


def main():
    os.mkdir("sub")
    os.chdir("sub")
    os.unlink("../script.py")
    return os.getcwd()
