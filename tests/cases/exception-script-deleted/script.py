import os


def main():
    os.unlink('script.py')
    os.chdir('/')
    raise ValueError('source lines stay')
