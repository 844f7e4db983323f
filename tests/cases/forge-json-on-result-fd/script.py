import os


def main():
    os.write(3, b'{"result": "FORGED"}')
    return 'real'
