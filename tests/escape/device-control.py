# SPDX-License-Identifier: MIT
"""No ioctl reaches a device or types into a terminal; bits above the 32 that the kernel looks at do not help.

layers: filter
expect: {"TCGETS": "ENOTTY", "FICLONE": "ENOTSUP", "TIOCSTI": "EPERM", "TIOCSTI high": "EPERM", "TIOCLINUX": "EPERM",
         "*": "ENOSYS"}
"""


def main():
    requests = {"TCGETS": 0x5401, "TIOCSTI": 0x5412, "TIOCSTI high": 0x7700005412, "TIOCLINUX": 0x541c,
                "FICLONE": 0x40049409, "TIOCSCTTY": 0x540e, "TIOCSETD": 0x5423, "FS_IOC_SETFLAGS": 0x40086602,
                "NS_GET_USERNS": 0xb701, "RNDADDENTROPY": 0x40085203, "SIOCGIFCONF": 0x8912}
    return {name: call("ioctl", 0, request, 0) for name, request in requests.items()}
