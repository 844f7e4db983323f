import ctypes


def main():
    print('before')
    ctypes.string_at(8)
