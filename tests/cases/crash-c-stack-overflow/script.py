import ctypes
import sys


def main():
    print("before")
    callback = ctypes.CFUNCTYPE(None)
    sys.setrecursionlimit(10**9)

    def again():
        c_again()

    c_again = callback(again)
    c_again()
