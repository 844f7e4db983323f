# SPDX-License-Identifier: MIT
"""What the escape scripts share: they are sent with this text behind their own.

A call is tried with arguments that do no harm if it goes through, so that a refusal (EPERM, ENOSYS) differs from an
answer of the kernel (EFAULT, EBADF). The test adds GIVEN before it: system call numbers of this machine, what it made on
the machine for the scripts to look for, and what it knows of the service (harness/facts.py).
"""

import ctypes
import errno
import os

_libc = ctypes.CDLL(None, use_errno=True)
WORK = os.getcwd()  # the job's own directory; main() has not been called yet
SHM = next((path for path in ("/dev/shm" if GIVEN["level"] == "strong" else f"/dev/shm/{os.getuid()}/job",)
            if os.path.isdir(path)), None)  # the same for shared memory; None where there is none
OWN = [path for path in (WORK, SHM) if path]
STRONG = GIVEN["level"] == "strong"
PROC = STRONG and GIVEN["proc"]  # a /proc that shows the job
NOWHERE = -1  # a bad descriptor, and as an address a bad pointer


def name_of(number):
    """The name of an errno."""
    return errno.errorcode.get(number, str(number))


def attempt(function, *arguments, **named):
    """Calls a Python function: the name of the errno that it failed with, or "allowed"."""
    try:
        function(*arguments, **named)
    except OSError as error:
        return name_of(error.errno)
    return "allowed"


def attempt_change(function, path, *arguments, **named):
    """The same for a change of what a file is: EPERM as well where it says that it was done, and nothing was.

    Any change of mode, times or owner sets the time of the last change, be it to what it was.
    """
    try:
        before = os.stat(path).st_ctime_ns
    except OSError:
        before = None
    answer = attempt(function, path, *arguments, **named)
    if answer == "allowed" and before is not None and os.stat(path).st_ctime_ns == before:
        return "EPERM"
    return answer


def call(which, *arguments):
    """Makes a system call by name or number, with all missing arguments bad: errno name or "allowed"."""
    number = GIVEN["numbers"][which] if isinstance(which, str) else which
    arguments = [*arguments, *[NOWHERE] * (6 - len(arguments))]
    ctypes.set_errno(0)
    if _libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments]) >= 0:
        return "allowed"
    return name_of(ctypes.get_errno())


def calls(*names):
    """Each call by name, with nothing but bad arguments."""
    return {name: call(name) for name in names if name in GIVEN["numbers"]}


def pidfd_of(pid):
    """A descriptor for a process; a bad one where the kernel has none of that kind, as gVisor."""
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return NOWHERE


def in_child(function, *arguments):
    """Runs function in a child: "exit N" or "killed by SIGNAL"."""
    import signal
    pid = os.fork()
    if pid == 0:
        function(*arguments)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return "killed by " + signal.Signals(os.WTERMSIG(status)).name
    return f"exit {os.WEXITSTATUS(status)}"


def runner():
    """The folder of runner.py."""
    import __main__
    return os.path.dirname(__main__.__file__)


def output_of(arguments, **named):
    """What a program prints, or "" where a job cannot make a second process."""
    import subprocess
    if not GIVEN["processes"]:
        return ""
    return subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **named).stdout


def read(path, size=65536):
    """The first bytes of a file as text."""
    with open(path, "rb") as file:
        return file.read(size).decode("utf-8", "replace")


def try_read(path):
    """Opens and reads a file, or lists a directory: errno name or "allowed"."""
    return attempt(os.listdir if os.path.isdir(path) else read, path)


def try_write(path):
    """Opens an existing or a new file for writing, without changing what is in it: errno name or "allowed"."""
    def append():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    return attempt(append)
