# SPDX-License-Identifier: MIT
"""subprocess: pipes, input, exit codes, shells, environments, timeouts."""
import subprocess
import sys


def main():
    upper = subprocess.run(["tr", "a-z", "A-Z"], input="shout\n", capture_output=True, text=True, check=True)
    p1 = subprocess.Popen(["printf", "%s\\n", "b", "a", "c"], stdout=subprocess.PIPE)
    p2 = subprocess.Popen(["sort", "-r"], stdin=p1.stdout, stdout=subprocess.PIPE, text=True)
    p1.stdout.close()
    chain = p2.communicate()[0].split()
    p1.wait()
    shell = subprocess.run("echo $GREETING; echo oops >&2; exit 3", shell=True, text=True, capture_output=True,
                           env={"GREETING": "moin", "PATH": "/usr/bin:/bin"})
    try:
        subprocess.run(["sleep", "10"], timeout=0.1)
        timeout = False
    except subprocess.TimeoutExpired:
        timeout = True
    try:
        subprocess.run(["no-such-program"])
        missing = None
    except FileNotFoundError as e:
        missing = e.filename
    python = subprocess.check_output([sys.executable, "-c", "print(6 * 7)"], text=True).strip()
    sys.stdout.flush()
    subprocess.run(["echo", "straight through"], check=True)
    return {"upper": upper.stdout, "chain": chain, "shell": [shell.returncode, shell.stdout, shell.stderr],
            "timeout": timeout, "missing": missing, "python": python}
