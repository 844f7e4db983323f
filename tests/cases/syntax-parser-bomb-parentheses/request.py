# SPDX-License-Identifier: MIT
"""The bytes to send."""

import json

BODY = json.dumps({"script": "(" * 50000 + ")" * 50000 + "\ndef main(): return 1\n"}).encode()
