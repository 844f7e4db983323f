# SPDX-License-Identifier: MIT
"""The bytes to send."""

import json

CODE = "def main(): return 1\n#"
BODY = json.dumps({"script": CODE + "\u00e4" * 102400}, ensure_ascii=False).encode()
