import ctypes
import threading


def main():
    print('before')
    t = threading.Thread(target=ctypes.string_at, args=(8,))
    t.start()
    t.join()
