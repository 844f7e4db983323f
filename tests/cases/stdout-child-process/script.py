import subprocess
import sys


def main():
    subprocess.run([sys.executable, "-c", "print('grandchild')"], check=True)
