# SPDX-License-Identifier: MIT
"""The bytes to send."""

import json

BODY = json.dumps({"script": "def main(): return 1\n" + "#" * 200}).encode()
