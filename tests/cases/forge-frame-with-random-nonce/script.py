import os
import struct


def main():
    body = b'"FORGED"'
    os.write(3, os.urandom(32) + b"R" + struct.pack("<Q", len(body)) + body)
    return "real"
