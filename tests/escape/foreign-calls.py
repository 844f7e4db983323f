# SPDX-License-Identifier: MIT
"""System calls of the 32-bit architecture (int 0x80) and of x32 do not get round the filter.

The machine code asks for getpid (20, and 39 with the x32 bit), which does no harm; the exit status is 200 where that
was answered, else the errno (1 is EPERM). A kernel without the 32-bit interface answers int 0x80 with SIGSEGV. gVisor of 2022
takes the number for one of the native calls (20 is writev, which says EBADF, 9), which is not past the filter: 41, a socket
there, is refused.

needs: x86_64, processes
layers: filter
expect: {"native": "exit 200", "int 0x80": "exit 1|killed by SIGSYS|killed by SIGSEGV",
         "x32": "exit 1|killed by SIGSYS", "int 0x80, 41": "exit 1|killed by SIGSYS|killed by SIGSEGV"}
expect gvisor: {"int 0x80": "exit 1|exit 9|killed by SIGSYS|killed by SIGSEGV"}
"""

import ctypes
import mmap


def run(code):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    answer = function()
    os._exit(200 if answer > 0 else -answer)


def main():
    return {"native": in_child(run, b"\xb8\x27\x00\x00\x00\x0f\x05\xc3"),  # mov eax, 39; syscall; ret
            "int 0x80": in_child(run, b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"),
            "int 0x80, 41": in_child(run, b"\xb8\x29\x00\x00\x00\xcd\x80\xc3"),
            "x32": in_child(run, b"\xb8\x27\x00\x00\x40\x0f\x05\xc3")}
