# SPDX-License-Identifier: MIT
"""Standard input is not shared with other jobs: flags that a job sets on its open file stay with that job.

A descriptor copied from one of the service is the same open file in every job (open(2)); its flags and its owner would
carry bytes from job to job. Run twice: the second job must find what the first one found.

runs: 2
layers: descriptors
expect: {"flags": 0, "signal": 0, "owner": 0}
"""

import fcntl
import os
import struct


def main():
    flags, signal = fcntl.fcntl(0, fcntl.F_GETFL), fcntl.fcntl(0, fcntl.F_GETSIG)
    # F_GETOWN_EX, which the library's F_GETOWN is; gVisor leaves what it is given as it was where there is no owner.
    owner = struct.unpack("ii", fcntl.fcntl(0, 16, bytes(8)))[1]
    fcntl.fcntl(0, fcntl.F_SETFL, flags | os.O_NONBLOCK | os.O_APPEND)
    fcntl.fcntl(0, fcntl.F_SETSIG, 42)
    attempt(fcntl.fcntl, 0, fcntl.F_SETOWN, os.getpid())
    return {"flags": flags & (os.O_NONBLOCK | os.O_APPEND | os.O_WRONLY | os.O_RDWR), "signal": signal,
            "owner": owner}
