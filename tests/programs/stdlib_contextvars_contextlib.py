# SPDX-License-Identifier: MIT
"""contextlib and contextvars: managers, stacks, suppressed errors, isolated contexts."""
import contextlib
import contextvars

user = contextvars.ContextVar("user", default="nobody")


@contextlib.contextmanager
def step(name, log):
    log.append(f"enter {name}")
    try:
        yield name.upper()
    except KeyError as e:
        log.append(f"handled {e}")
    finally:
        log.append(f"leave {name}")


def whoami(name):
    user.set(name)
    return user.get()


def main():
    log = []
    with contextlib.ExitStack() as stack:
        names = [stack.enter_context(step(n, log)) for n in "ab"]
        stack.callback(log.append, "callback")
    with step("failing", log):
        {}["x"]
    with contextlib.suppress(ZeroDivisionError):
        1 / 0
    isolated = contextvars.copy_context().run(whoami, "ada")
    print(*log, sep="\n")
    return {"names": names, "log": log, "isolated": isolated, "outside": user.get(),
            "null": contextlib.nullcontext(5).enter_result}
