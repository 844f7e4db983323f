# SPDX-License-Identifier: MIT
"""importlib: modules made on the fly, packages, zip imports, reload, resources."""
import importlib
import importlib.util
import os
import sys
import zipfile


def main():
    os.makedirs("plugins/deep")
    for path, text in {"plugins/__init__.py": "NAME = 'plugins'\n", "plugins/one.py": "from . import NAME\nVALUE = NAME + '.one'\n",
                       "plugins/deep/__init__.py": "from ..one import VALUE as V\n"}.items():
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    importlib.invalidate_caches()
    one = importlib.import_module("plugins.one")
    deep = importlib.import_module(".deep", "plugins")
    with zipfile.ZipFile("lib.zip", "w") as z:
        z.writestr("zipped.py", "def hi():\n    return 'from the zip'\n")
    sys.path.insert(0, "lib.zip")
    import zipped
    with open("changing.py", "w", encoding="utf-8") as f:
        f.write("X = 1\n")
    import changing
    before = changing.X
    with open("changing.py", "w", encoding="utf-8") as f:
        f.write("X = 'two'\n")
    importlib.reload(changing)
    spec = importlib.util.spec_from_loader("virtual", loader=None)
    module = importlib.util.module_from_spec(spec)
    exec("Y = 5", module.__dict__)
    print(zipped.hi())
    return {"one": one.VALUE, "deep": deep.V, "reloaded": [before, changing.X], "virtual": module.Y,
            "me": importlib.import_module("script").__name__, "spec": importlib.util.find_spec("script") is not None,
            "missing": importlib.util.find_spec("no_such_module")}
