# SPDX-License-Identifier: MIT
"""The bytes to send."""

BODY = b'{"script": "def main(): return 1\\n#' + b"\\u0041" * 150000 + b'"}'
