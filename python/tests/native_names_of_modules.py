"""Small functions that call those of another module with names of their own, for ``test_native_names``.

What a name stands for is a matter of the module that a function is from, also where it hides one of Python's own.
"""

import native_names_library as library

N = 2
CHANGES = "x"


def mapped(f, w):
    return str(w) + "?"


def filtered(a, b):
    return a + b


def d1(s):
    return library.apply(lambda w: len(w) + N, s)


def d2(s):
    return list(library.of_items(s.split()))


def d3(s):
    return library.adder()(s)


def d4(s):
    return library.apply_all(lambda w: w * N, s.split())


def d5(s):
    return [w for w in library.numbered(s.split())]


def d6(s):
    return [w + __name__ for w in s.split()]


def d7(s):
    return list(map(lambda w: w + __name__, s.split()))


def d8(s):
    return sorted(s.split(), key=lambda w: filtered(w, "x"))


def d9(s):
    return list(map(lambda w: filtered(w, w), s.split()))


def d10(s):
    return max(s.split(), key=lambda w: __name__ + w, default="")


def d11(s):
    f = lambda w: len(w) + N
    return library.apply(f, s)


def d12(s):
    return sum((library.apply(len, w) for w in s.split()))


def len(x):
    return -7


def round(x):
    return 99


def r5(s):
    return list(map(lambda w: len(w), s.split()))


def r6(s):
    return sorted(s.split(), key=lambda w: len(w))


def r7(s):
    return max(s.split(), key=lambda w: round(3.7), default="")


def r8(s):
    return [len(w) for w in s.split()]


def r9(s):
    return list(filter(lambda w: len(w) > 0, s.split()))


def sum(x):
    return 5


def r11(s):
    return list(map(lambda w: sum([1]), s.split()))


def c16(s):
    return list(filter(lambda w: w != CHANGES, s.split()))


def c25(s):
    return sorted(s.split(), key=lambda w: CHANGES + w)
