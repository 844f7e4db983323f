# SPDX-License-Identifier: MIT
"""A tiny stack machine that runs a program and traces it."""

PROGRAM = """
push 10
store n
push 1
store acc
loop:
load n
jz end
load acc
load n
mul
store acc
load n
push -1
add
store n
jmp loop
end:
load acc
print
"""


def assemble(text):
    code, labels = [], {}
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.endswith(":"):
            labels[line[:-1]] = len(code)
        else:
            code.append(line.split())
    return code, labels


def execute(code, labels):
    stack, memory, counter, steps = [], {}, 0, 0
    while counter < len(code):
        op, *args = code[counter]
        counter, steps = counter + 1, steps + 1
        match op, args:
            case "push", [number]:
                stack.append(int(number))
            case "store", [name]:
                memory[name] = stack.pop()
            case "load", [name]:
                stack.append(memory[name])
            case "mul", _:
                stack.append(stack.pop() * stack.pop())
            case "add", _:
                stack.append(stack.pop() + stack.pop())
            case "jmp", [label]:
                counter = labels[label]
            case "jz", [label]:
                if stack.pop() == 0:
                    counter = labels[label]
            case "print", _:
                print("out:", stack[-1])
            case unknown, _:
                raise ValueError(unknown)
    return stack, memory, steps


def main():
    stack, memory, steps = execute(*assemble(PROGRAM))
    return {"stack": stack, "memory": memory, "steps": steps}
