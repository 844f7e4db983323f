# SPDX-License-Identifier: MIT
"""The platforms on which the suite is run, what is expected of each, and how the engines are asked for it.

A platform is a line of PLATFORMS; how a container engine offers it is written as the arguments of `docker run`, which
are podman's too, and as those of any other program with the interface of class Program.
"""

import json
import os
import shutil
import subprocess
from typing import NamedTuple, Optional, Tuple

__all__ = ["PLATFORMS", "ROOT", "Platform", "engine_of", "platform_of"]

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REFUSES = "refuses to start"


class Platform(NamedTuple):
    """One place where the service runs. docker, program: arguments for an engine; None where it cannot offer this."""

    name: str
    what: str
    level: str                                  # "strong", "standard" or REFUSES
    docker: Optional[Tuple[str, ...]] = None
    program: Optional[Tuple[str, ...]] = None
    runtime: Optional[str] = None               # the engine's name for it, where it is not the default
    bare: Optional[dict] = None                 # no container: variables of the suite (tests/harness/server.py)
    whole: bool = True                          # the whole suite, or tests/platform alone

    @property
    def refuses(self):
        return self.level == REFUSES


USER = ("--user", "10001")
RESTRICTED = (*USER, "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
OLD_GVISOR = ("-R", "gvisor", "-V", "installed")

PLATFORMS = [
    Platform("bare-root", "Linux, as root", "strong", bare={}),
    Platform("bare-user", "Linux, as an ordinary user", "strong", bare={"SAFE_EXEC_TEST_USER": "nobody"}),
    Platform("refused-root", "Linux, as root, namespaces refused", "standard", bare={"SAFE_EXEC_TEST_LEVEL": "standard"}),
    Platform("refused-user", "Linux, as an ordinary user, namespaces refused", "standard",
             bare={"SAFE_EXEC_TEST_LEVEL": "standard", "SAFE_EXEC_TEST_USER": "nobody"}),
    Platform("docker", "`docker run`, no option", "standard", (), ()),
    Platform("docker-user", "`docker run --user 10001`", "standard", USER, ("-u", "10001")),
    Platform("kubernetes", "Kubernetes restricted: no capability, no new privileges, read-only, user 10001", "standard",
             RESTRICTED, ("-P", "k8s", "-u", "10001", "-r")),
    Platform("unconfined", "`docker run --security-opt seccomp=unconfined`", "strong",
             ("--security-opt", "seccomp=unconfined"), ("-P", "nosec")),
    Platform("profile", "`docker run --security-opt seccomp=deploy/docker-seccomp.json`", "strong",
             ("--security-opt", "seccomp=" + os.path.join(ROOT, "deploy", "docker-seccomp.json"))),
    Platform("privileged", "all capabilities, as on microVM platforms", "strong", ("--privileged",), ("-P", "admin")),
    Platform("gvisor", "gVisor, as root", "strong", (), ("-R", "gvisor"), "runsc"),
    Platform("gvisor-user", "gVisor, as user 10001", "strong", USER, ("-R", "gvisor", "-u", "10001"), "runsc"),
    Platform("gvisor-2022", "gVisor of 2022, as root", "standard", (), OLD_GVISOR, "runsc-2022"),
    Platform("gvisor-2022-user", "gVisor of 2022, as user 10001", REFUSES, USER, (*OLD_GVISOR, "-u", "10001"), "runsc-2022"),
    # One option each, where the others above come with more.
    Platform("read-only", "`docker run --read-only --tmpfs /tmp`", "standard", ("--read-only", "--tmpfs", "/tmp"), ("-r",),
             whole=False),
    Platform("cap-drop", "`docker run --cap-drop ALL`, as root", "standard", ("--cap-drop", "ALL"), whole=False),
    Platform("init", "`docker run --init`", "standard", ("--init",), whole=False),
]


def platform_of(name):
    """The platform of this name."""
    found = [platform for platform in PLATFORMS if platform.name == name]
    if not found:
        raise SystemExit(f"no platform {name!r}; there are: {' '.join(platform.name for platform in PLATFORMS)}")
    return found[0]


class Docker:
    """docker, or podman, which takes the same arguments."""

    def __init__(self, program):
        self.program = program

    def _runtime(self, platform):
        """(global arguments, arguments of run)"""
        if not platform.runtime:
            return [], []
        return ([f"--runtime={platform.runtime}"], []) if self.program == "podman" else ([], [f"--runtime={platform.runtime}"])

    def run(self, platform, image, name, port=None, inside=8080, settings=(), mounts=(), arguments=()):
        """The command that runs a container in the foreground: its output and exit status are the command's."""
        before, after = self._runtime(platform)
        command = [self.program, *before, "run", *after, "--rm", "--name", name, *platform.docker]
        if port:
            command += ["-p", f"127.0.0.1:{port}:{inside}"]
        for key, value in dict(settings).items():
            command += ["-e", f"{key}={value}"]
        for outside, place in dict(mounts).items():
            command += ["-v", f"{outside}:{place}"]
        return [*command, "-e", f"PORT={inside}", image, *arguments]

    def execute(self, name, words):
        """The command that runs something inside."""
        return [self.program, "exec", name, *words]

    def stop(self, name):
        """The command that ends a container: SIGTERM, time, SIGKILL."""
        return [self.program, "stop", "-t", "20", name]

    def expected(self, platform):
        """podman's own default profile allows namespaces; what a platform's options say holds for both."""
        if self.program == "podman" and platform.level == "standard" and not platform.runtime:
            return "standard|strong"
        return platform.level

    def unavailable(self, platform):
        """Why this engine cannot offer the platform here, or None."""
        if platform.docker is None:
            return f"{self.program} has no arguments for it"
        if not shutil.which(self.program):
            return f"no {self.program} here"
        done = subprocess.run([self.program, "info", "--format", "json"] if self.program == "podman" else
                              [self.program, "info", "--format", "{{json .}}"], capture_output=True, text=True, check=False)
        if done.returncode:
            return f"{self.program} info: {(done.stderr.strip() or done.stdout.strip()).splitlines()[-1]}"
        if self.program == "podman":
            missing = platform.runtime and not shutil.which(platform.runtime)
        else:
            missing = platform.runtime and platform.runtime not in json.loads(done.stdout).get("Runtimes", {})
        return f"{self.program} knows no runtime {platform.runtime}" if missing else None

    def build(self, image):
        """The command that builds the image."""
        return [self.program, "build", "-t", image, ROOT]


class Program:
    """Any program with this interface; -P, -R and -V name a profile, a runtime and its version:

    PROGRAM [-P k8s|nosec|admin] [-R gvisor [-V installed]] [-u USER] [-r] [-e K=V]... [-v A:B[:ro]]...
            [-n NAME] [-p PORT [-c PORT INSIDE]] IMAGE [ARGUMENT...]    in the foreground; sets PORT, too
    PROGRAM exec -n NAME COMMAND...
    PROGRAM stop -n NAME

    Without -P it is Docker's default. -r: read-only with a tmpfs on /tmp.
    """

    def __init__(self, program):
        self.program = os.path.abspath(program)

    def run(self, platform, image, name, port=None, inside=8080, settings=(), mounts=(), arguments=()):
        """See Docker.run."""
        command = [self.program, *platform.program, "-n", name, "-c", str(inside)]
        if port:
            command += ["-p", str(port)]
        for key, value in dict(settings).items():
            command += ["-e", f"{key}={value}"]
        for outside, place in dict(mounts).items():
            command += ["-v", f"{outside}:{place}"]
        return [*command, image, *arguments]

    def execute(self, name, words):
        """See Docker.execute."""
        return [self.program, "exec", "-n", name, *words]

    def stop(self, name):
        """See Docker.stop."""
        return [self.program, "stop", "-n", name]

    def expected(self, platform):
        """It is asked for Docker's default, so that is what it must be."""
        return platform.level

    def unavailable(self, platform):
        """See Docker.unavailable."""
        if platform.program is None:
            return "the engine's interface has no arguments for it"
        return None if os.access(self.program, os.X_OK) else f"no program {self.program}"

    def build(self, image):
        """It builds nothing."""
        raise SystemExit(f"{os.path.basename(self.program)} builds no image {image}: give one with --image")


def engine_of(name):
    """The engine of this name, or of this path."""
    return Docker(name) if name in ("docker", "podman") else Program(name)
