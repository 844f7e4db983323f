# SPDX-License-Identifier: MIT
"""A job cannot write the files of /proc that steer its own process: who is killed for memory, names, id maps.

needs: proc
layers: landlock
expect: {"*": "EACCES", "oom_score_adj": "EACCES", "exe": "EACCES|ETXTBSY|EROFS", "mem": "EACCES"}
"""

import os

NAMES = ("oom_score_adj", "oom_adj", "comm", "coredump_filter", "clear_refs", "mem", "timerslack_ns", "uid_map",
         "gid_map",
         "projid_map", "setgroups", "autogroup", "sched", "loginuid", "attr/current", "attr/exec", "attr/fscreate",
         "fail-nth", "make-it-fail", "exe")


def main():
    return {name: attempt(lambda: os.close(os.open("/proc/self/" + name, os.O_WRONLY)))
            for name in NAMES if os.path.exists("/proc/self/" + name)}
