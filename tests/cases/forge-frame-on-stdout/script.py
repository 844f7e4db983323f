import os
import struct


def main():
    body = b'"FAKE"'
    os.write(1, bytes(32) + b"R" + struct.pack("<Q", len(body)) + body)
    return "real"
