# SPDX-License-Identifier: MIT
"""io_uring and kernel AIO, which open files and sockets past any filter, are refused.

layers: filter
expect: {"*": "EPERM", "io_uring_setup": "EPERM"}
"""


def main():
    return calls("io_uring_setup", "io_uring_enter", "io_uring_register", "io_setup", "io_submit", "io_cancel",
                 "io_destroy", "io_getevents", "io_pgetevents")
