# SPDX-License-Identifier: MIT
"""asyncio subprocesses and streams over pipes."""
import asyncio
import sys


async def run(*command, data=None):
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE,
                                                   stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, err = await process.communicate(data)
    return process.returncode, out.decode(), err.decode()


def main():
    async def all_of_them():
        shell = await asyncio.create_subprocess_shell("read x; echo \"got $x\"; exit 4", stdin=asyncio.subprocess.PIPE,
                                                      stdout=asyncio.subprocess.PIPE)
        shell.stdin.write(b"line\n")
        line = await shell.stdout.readline()
        return {"parallel": await asyncio.gather(run("echo", "a"), run("cat", data=b"b"),
                                                 run(sys.executable, "-c", "import sys; sys.exit('err')")),
                "line": line.decode(), "shell": await shell.wait()}

    result = asyncio.run(all_of_them())
    print(len(result["parallel"]), "processes")
    return result
