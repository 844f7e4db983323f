import os
import struct


def main():
    body = b'"FORGED"'
    os.write(3, bytes(32) + b"R" + struct.pack("<Q", len(body)) + body)
    os._exit(0)
