from functools import partial

main = partial(max, 3, 9)
