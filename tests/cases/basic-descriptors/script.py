import os


def main():
    with_listing = sorted(int(n) for n in os.listdir("/proc/self/fd"))
    return [fd for fd in with_listing if fd > 4]
