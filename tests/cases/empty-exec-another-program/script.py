import os


def main():
    os.execv('/bin/echo', ['echo', '{"result": 1}'])
