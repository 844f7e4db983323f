import os
import subprocess


def main():
    os.set_inheritable(3, True)
    subprocess.run(["/bin/echo", "FORGED"], stdout=3, close_fds=False)
    return "real"
