# SPDX-License-Identifier: MIT
"""ast, dis, tokenize, compile, exec: a safe calculator and a code transformer."""
import ast
import io
import operator
import tokenize

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
             ast.Pow: operator.pow, ast.USub: operator.neg}


def calculate(node):
    if isinstance(node, ast.Expression):
        return calculate(node.body)
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](calculate(node.left), calculate(node.right))
    if isinstance(node, ast.UnaryOp):
        return OPERATORS[type(node.op)](calculate(node.operand))
    raise ValueError(type(node).__name__)


class Doubler(ast.NodeTransformer):
    def visit_Constant(self, node):
        return ast.copy_location(ast.Constant(node.value * 2), node)


def main():
    values = {e: calculate(ast.parse(e, mode="eval")) for e in ("1+2*3", "-(2**10)", "7/2")}
    try:
        calculate(ast.parse("__import__('os')", mode="eval"))
        refused = None
    except ValueError as e:
        refused = str(e)
    tree = ast.fix_missing_locations(Doubler().visit(ast.parse("x = [1, 'ab', 2.5]")))
    space = {}
    exec(compile(tree, "<made>", "exec"), space)
    tokens = [t.string for t in tokenize.generate_tokens(io.StringIO("a = b+1").readline) if t.string]
    print(ast.unparse(tree))
    return {"values": values, "refused": refused, "x": space["x"], "tokens": tokens}
