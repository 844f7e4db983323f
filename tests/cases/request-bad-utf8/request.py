# SPDX-License-Identifier: MIT
"""The bytes to send."""

BODY = b'{"script": "def main(): return \'\xff\'"}'
