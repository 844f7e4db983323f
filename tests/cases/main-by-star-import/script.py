from pathlib import Path

Path("mod.py").write_text("def main():\n    return 'starred'\n")
from mod import *
