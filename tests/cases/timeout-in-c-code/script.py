import re


def main():
    re.match(r'(a+)+$', 'a' * 60 + 'b')
