import os
import subprocess
import sys


def main():
    print("1 print")
    os.write(1, b"2 os.write\n")
    subprocess.run(["/bin/echo", "3 child"], check=True)
    sys.stdout.write("4 sys.stdout\n")
    sys.stdout.buffer.write(b"5 buffer\n")
    sys.stdout.buffer.flush()
    os.system("echo 6 shell")
    print("7 print", flush=True)
