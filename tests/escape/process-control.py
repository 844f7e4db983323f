# SPDX-License-Identifier: MIT
"""prctl does only what threads and tests of state need; what weakens the process is refused.

layers: filter
expect: {"PR_SET_NAME": "allowed", "PR_SET_DUMPABLE": "EPERM", "unlisted": "ENOSYS", "*": "EPERM"}
"""

OPTIONS = {"PR_SET_DUMPABLE": 4, "PR_SET_KEEPCAPS": 8, "PR_SET_SECCOMP": 22, "PR_CAPBSET_DROP": 24, "PR_SET_TSC": 26,
           "PR_SET_SECUREBITS": 28, "PR_SET_TIMERSLACK": 29, "PR_SET_MM": 35, "PR_SET_CHILD_SUBREAPER": 36,
           "PR_SET_NO_NEW_PRIVS": 38, "PR_SET_THP_DISABLE": 41, "PR_CAP_AMBIENT": 47, "PR_SET_SPECULATION_CTRL": 53,
           "PR_SET_IO_FLUSHER": 57, "PR_SET_SYSCALL_USER_DISPATCH": 59, "PR_SCHED_CORE": 62,
           "PR_SET_PTRACER": 0x59616d61}


def main():
    tried = {name: call("prctl", option) for name, option in OPTIONS.items()}
    tried["PR_SET_DUMPABLE high"] = call("prctl", 1 << 32 | 4)
    tried["PR_SET_NAME"] = call("prctl", 15, id(b"job") + bytes.__basicsize__ - 1)
    tried["unlisted"] = call("prctl", 0x7000)
    return tried
