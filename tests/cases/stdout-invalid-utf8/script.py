import os


def main():
    os.write(1, b"ok \xff\xfe \xc3( \xe2\x82 \xf0\x9f\x98\x80 end")
