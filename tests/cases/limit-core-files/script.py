import os
import resource


def main():
    return resource.getrlimit(resource.RLIMIT_CORE)
