import ctypes


def main():
    libc = ctypes.CDLL(None)
    print("first")
    libc.printf(b"from C %d\n", 7)
    libc.fflush(None)
    print("last")
