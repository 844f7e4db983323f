# SPDX-License-Identifier: MIT
"""The mount table cannot be changed, by the old calls or the new ones, and no other root can be entered.

layers: filter
expect: {"*": "EPERM", "mount": "EPERM", "chroot": "EPERM", "listmount": "ENOSYS", "statmount": "ENOSYS",
         "open_tree_attr": "ENOSYS"}
"""


def main():
    return calls("mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree",
                 "move_mount", "mount_setattr", "listmount", "statmount", "open_tree_attr")
