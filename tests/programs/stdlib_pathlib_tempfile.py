# SPDX-License-Identifier: MIT
"""pathlib, tempfile, shutil, glob, os.walk: files in the private directory."""
import os
import shutil
import stat
import tempfile
from pathlib import Path


def main():
    with tempfile.TemporaryDirectory(prefix="work-") as name:
        root = Path(name)
        (root / "src" / "pkg").mkdir(parents=True)
        for n in range(3):
            (root / "src" / "pkg" / f"m{n}.py").write_text(f"X = {n}\n", encoding="utf-8")
        (root / "src" / "link").symlink_to("pkg")
        os.link(root / "src/pkg/m0.py", root / "src/hard.py")
        script = root / "run.sh"
        script.touch(mode=0o600)
        script.chmod(0o750)
        tree = sorted(str(p.relative_to(root)) for p in root.rglob("*"))
        shutil.copytree(root / "src", root / "copy", symlinks=True)
        shutil.move(root / "copy", root / "moved")
        walked = sum(len(files) for _, _, files in os.walk(root / "moved"))
        mode = stat.filemode(script.stat().st_mode)
        links = (root / "src/hard.py").stat().st_nlink
        archive = Path(shutil.make_archive(str(root / "a"), "zip", root, "moved")).suffix
    with tempfile.NamedTemporaryFile("w+", suffix=".txt") as f:
        f.write("spam")
        f.seek(0)
        text = f.read()
    with tempfile.SpooledTemporaryFile(max_size=10) as f:
        f.write(b"x" * 20)
        rolled = f._rolled
    print(*tree, sep="\n")
    return {"tree": tree, "walked": walked, "mode": mode, "links": links, "gone": not root.exists(), "text": text,
            "rolled": rolled, "archive": archive}
