# SPDX-License-Identifier: MIT
"""The bytes to send."""

BODY = b'{"script": "# \xed\xa0\x80"}'
