# SPDX-License-Identifier: MIT
"""The bytes to send."""

BODY = b'{"script": "# \xc0\xaf"}'
