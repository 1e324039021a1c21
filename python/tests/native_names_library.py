"""Functions of another module than those that call them, for ``native_names_of_modules``."""

N = 100


def apply(f, s):
    return f(s)


def apply_all(f, ws):
    return [f(w) for w in ws]


def of_items(ws):
    return (w * N for w in ws)


def adder():
    return lambda s: len(s) + N


def numbered(ws):
    for w in ws:
        yield w + str(N)
