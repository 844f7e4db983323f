# SPDX-License-Identifier: MIT
"""The bytes to send."""

BODY = b'{"script": "' + b"#" * 8_000_000 + b'"}'
