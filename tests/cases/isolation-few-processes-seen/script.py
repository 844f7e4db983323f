import os


def main():
    pids = [int(n) for n in os.listdir("/proc") if n.isdigit()]
    return len(pids) <= 3
