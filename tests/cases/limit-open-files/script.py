import errno
import os


def main():
    fds = []
    try:
        while True:
            fds.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as e:
        name = errno.errorcode[e.errno]
    return [name, 200 < len(fds) < 256]
