# SPDX-License-Identifier: MIT
"""Every system call that the policy does not name answers ENOSYS, those that are not invented yet too.

layers: filter
expect: {"tried": true, "answers": ["ENOSYS"]}
"""


def main():
    numbers = GIVEN["unlisted"]
    return {"tried": len(numbers) > 50, "answers": sorted({call(number) for number in numbers})}
