# SPDX-License-Identifier: MIT
"""multiprocessing's shared memory is memory, when it has lost its name and its process as well.

settings: {"TMP_LIMIT_MB": "600", "FSIZE_LIMIT_MB": "600"}
needs: processes
layers: memory, cgroup
code: MEMORY_LIMIT
"""

import os
import time
from multiprocessing import shared_memory


def main():
    blocks = [shared_memory.SharedMemory(create=True, size=60 << 20) for _ in range(10)]
    for block in blocks:
        block.unlink()
        if os.fork() == 0:
            block.buf[:] = b"x" * len(block.buf)
            os._exit(0)
        os.wait()
    time.sleep(0.5)
    return "600 MiB in shared memory"
