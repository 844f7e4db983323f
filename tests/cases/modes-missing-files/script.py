import os
import pathlib
import shutil


def raises(function, *arguments, **named):
    try:
        function(*arguments, **named)
    except OSError as error:
        return type(error).__name__
    return "nothing"


def main():
    path = pathlib.Path("made")
    path.touch()
    made = path.exists()
    path.touch()
    path.write_text("text")
    shutil.copy2(path, "copied")
    os.mkdir("folder")
    shutil.copy("copied", "folder/copied")
    shutil.copytree("folder", "tree")
    os.symlink("nowhere", "link")
    with open("copied", "rb") as file:
        by_descriptor = [raises(os.chmod, file.fileno(), 0o600), raises(os.utime, file.fileno(), (1, 2))]
    os.utime("link", follow_symlinks=False)
    return {
        "made": made,
        "tree": os.listdir("tree"),
        "missing": [raises(os.utime, "no such file"), raises(os.chmod, "no such file", 0o600), raises(os.utime, "link"),
                    raises(os.utime, "folder/copied/below"), raises(pathlib.Path("no such file").chmod, 0o600)],
        "there": [raises(os.utime, "made"), raises(os.utime, "made", ns=(1, 2)), raises(os.chmod, "made", 0o640)],
        "by descriptor": by_descriptor,
    }
