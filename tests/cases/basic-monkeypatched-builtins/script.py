import builtins
import json
import os
import sys


def main():
    json.dumps = builtins.print = builtins.open = builtins.len = None
    os.write = os._exit = sys.exit = builtins.isinstance = None
    sys.modules.clear()
    return {"still": "answered"}
