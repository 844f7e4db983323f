# SPDX-License-Identifier: MIT
"""The bytes to send."""

BODY = '{"script": "def main(): return 1"}'.encode("utf-16")
