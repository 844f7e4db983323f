import json.nothing


def main():
    return 1
