import os
import time


def main():
    os._exit = lambda status: time.sleep(60)
    return "real"
