# SPDX-License-Identifier: MIT
"""The bytes to send."""

BODY = b"[" * 100000
