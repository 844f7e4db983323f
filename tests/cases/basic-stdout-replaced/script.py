import io
import sys


def main():
    sys.stdout = io.StringIO()
    print("into the buffer")
    return sys.stdout.getvalue()
