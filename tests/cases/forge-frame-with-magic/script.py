import os
import struct


def main():
    body = b'"FORGED"'
    os.write(3, b"SEXJOB1\n" + bytes(24) + b"R" + struct.pack("<Q", len(body)) + body)
    os._exit(0)
