import ctypes


def main():
    ctypes.CDLL(None).printf(b"never flushed by the script")
