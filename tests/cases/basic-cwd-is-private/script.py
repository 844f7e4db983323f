import os
import stat
import tempfile


def main():
    here = os.getcwd()
    info = os.stat(here)
    strong = here == "/tmp"
    return [tempfile.gettempdir() == here, os.environ["HOME"] == here, os.environ["TMPDIR"] == here, os.listdir("."),
            os.path.expanduser("~") == here, strong or stat.S_IMODE(info.st_mode) == 0o700, strong or info.st_uid == os.getuid()]
