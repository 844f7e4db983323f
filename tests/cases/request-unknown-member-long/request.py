# SPDX-License-Identifier: MIT
"""The bytes to send."""

BODY = b'{"script": "def main(): return 1", "' + b"k" * 100000 + b'": 1}'
