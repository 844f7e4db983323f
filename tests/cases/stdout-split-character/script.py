import os
import time


def main():
    for byte in "äΩ😀".encode():
        os.write(1, bytes([byte]))
        time.sleep(0.01)
