import os
import struct


def main():
    os.write(3, bytes(32) + b"R" + struct.pack("<Q", 2**64 - 1) + b"FORGED")
    os._exit(0)
