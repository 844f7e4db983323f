# SPDX-License-Identifier: MIT
"""Programs, counters and page faults cannot be put into the kernel or taken from it.

layers: filter
expect: {"*": "EPERM", "bpf": "EPERM"}
"""


def main():
    return calls("bpf", "perf_event_open", "userfaultfd", "init_module", "finit_module", "delete_module",
                 "kexec_load",
                 "seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "fanotify_init",
                 "fanotify_mark", "name_to_handle_at", "open_by_handle_at", "lookup_dcookie", "acct", "quotactl",
                 "quotactl_fd", "syslog", "reboot", "swapon", "swapoff", "vhangup", "modify_ldt", "iopl", "ioperm")
