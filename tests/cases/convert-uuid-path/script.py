from pathlib import Path, PurePosixPath
from uuid import UUID


def main():
    return [UUID(int=1), Path('/a/b'), PurePosixPath('c')]
