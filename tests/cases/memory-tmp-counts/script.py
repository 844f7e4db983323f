import time


def main():
    for n in range(7):
        with open(f"f{n}", "wb") as f:
            f.write(b"x" * (9 << 20))
    block = bytearray(460 << 20)
    for i in range(0, len(block), 4096):
        block[i] = 1
    time.sleep(0.5)  # where no cgroup counts, a job is looked at every 25 ms
    return "over the limit in sum"
