import os


def main():
    before = os.getcwd()
    os.mkdir("sub")
    os.chdir("sub")
    os.unlink("../script.py")
    return os.path.relpath(os.getcwd(), before)
