import os


def main():
    found = [p for p in ("/tmp/left", "/dev/shm/left", "/var/tmp/left") if os.path.exists(p)]
    for p in ("/tmp/left", "/dev/shm/left", "/var/tmp/left"):
        try:
            with open(p, "w") as f:
                f.write("x")
        except OSError:
            pass
    return found
