# SPDX-License-Identifier: MIT
"""The bytes to send."""

BODY = b'{"script": "' + b"#" * 2_000_000 + b'"}'
