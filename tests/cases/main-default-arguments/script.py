def main(a=1, *rest, b=2, **more):
    return [a, b, rest, more]
