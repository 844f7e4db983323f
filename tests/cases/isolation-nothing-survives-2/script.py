import os


def main():
    return [p for p in ("/tmp/left", "/dev/shm/left", "/var/tmp/left") if os.path.exists(p)]
