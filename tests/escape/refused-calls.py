# SPDX-License-Identifier: MIT
"""Every system call that the policy refuses is refused with the error that the policy names.

layers: filter
expect: {"tried": true, "wrong": {}}
"""


def main():
    refused = GIVEN["refused"]
    answers = {name: call(name) for name in refused}
    return {"tried": len(refused) > 100,
            "wrong": {name: answers[name] for name in refused if answers[name] != name_of(refused[name])}}
