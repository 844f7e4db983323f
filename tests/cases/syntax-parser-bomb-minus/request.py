# SPDX-License-Identifier: MIT
"""The bytes to send."""

import json

BODY = json.dumps({"script": "x = " + "-" * 60000 + "1\ndef main(): return 1\n"}).encode()
