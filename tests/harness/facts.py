# SPDX-License-Identifier: MIT
"""What a running service can promise where it runs: by what /health says, and by asking a job."""

from .client import Client

__all__ = ["facts_of"]

# What gVisor says of itself (uname(2)), whatever the machine below it is.
_GVISOR = "#1 SMP Sun Jan 10 15:06:54 PST 2016"


def facts_of(server):
    """
    {"level": ..., and whether: "own uid": jobs have a uid of the machine that is theirs alone; "processes": a job may have
    more than one; "chroot": jobs have another root by chroot; "landlock"; "proc": they have a /proc; "modes pretended":
    modes and times of files cannot be changed, and no call says so; "cgroup": the kernel counts a job's memory; "fair
    cpu": it shares the CPUs out by jobs; "gvisor": the kernel is gVisor's}; asked for once.
    """
    if not hasattr(server, "facts"):
        client = Client(server)
        health = client.health()
        layers = health["isolation"]["layers"]
        level = health["isolation"]["level"]
        own_uid = level == "standard" and layers["own_uid"].startswith("ok")
        chroot = "with chroot" in layers["own_uid"]
        server.facts = {"level": level, "own uid": own_uid, "processes": level == "strong" or own_uid, "chroot": chroot,
                        "proc": "without /proc" not in layers["mounts"] and not chroot,
                        "landlock": layers["landlock"].startswith("ok"),
                        "modes pretended": layers["modes"].startswith("ok"),
                        "cgroup": health["memory_enforced_by"] != "accounting",
                        "fair cpu": layers["cgroup"].startswith("ok") and "not shared" not in layers["cgroup"],
                        "gvisor": client.result("import os\ndef main(): return os.uname().version") == _GVISOR}
    return server.facts
