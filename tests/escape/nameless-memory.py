# SPDX-License-Identifier: MIT
"""Memory and queues that no file system limit counts are refused: memfd, System V, POSIX queues, pinned pages.

layers: filter
expect: {"*": "EPERM", "memfd_create": "EPERM", "shmget": "EPERM"}
"""


def main():
    return calls("memfd_create", "memfd_secret", "shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semctl",
                 "semtimedop", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_timedsend",
                 "mq_timedreceive", "mq_notify", "mq_getsetattr", "mlock", "mlock2", "mlockall", "vmsplice",
                 "remap_file_pages", "mbind", "move_pages", "migrate_pages", "set_mempolicy", "pkey_alloc")
