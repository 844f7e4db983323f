import os


def main():
    for n in range(64):
        if n in (1, 2):
            continue
        try:
            with open(f"/proc/self/fd/{n}", "wb", buffering=0) as f:
                f.write(b"FORGED")
        except OSError:
            pass
    return "real"
