import os


def main():
    print('bye', flush=True)
    os._exit(0)
