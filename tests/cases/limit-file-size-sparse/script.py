import errno


def main():
    try:
        with open('big', 'wb') as f:
            f.truncate(1 << 40)
    except OSError as e:
        return errno.errorcode[e.errno]
