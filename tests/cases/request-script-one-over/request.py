# SPDX-License-Identifier: MIT
"""The bytes to send."""

import json

CODE = "def main(): return 1\n"
BODY = json.dumps({"script": CODE + "#" * (204801 - len(CODE))}).encode()
