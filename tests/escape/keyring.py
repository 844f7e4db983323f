# SPDX-License-Identifier: MIT
"""The kernel's keyrings, which outlive a process and are shared by a uid, are refused.

layers: filter
expect: {"*": "EPERM", "keyctl session": "EPERM"}
"""


def main():
    return {**calls("add_key", "request_key", "keyctl"), "keyctl session": call("keyctl", 0, -3, 0)}
