"""Small functions that give a new list, set or dict several names at once, for ``test_native_names``.

Each says with its result which of its names saw a change. None is annotated, as programs' functions are not.
"""


def c1(s):
    a = b = []
    a.append(s)
    return b


def c2(s):
    a = b = {}
    a[s] = 1
    return len(b)


def c3(s):
    a = b = set()
    a.add(s)
    return len(b)


def c4(s):
    (a := []).append(s)
    return a


def c5(s):

    def inner(acc):
        acc.append(s)
        return acc
    return inner([])


def c6(s):

    def inner(acc):
        acc.append(s)
        return len(acc)
    return inner([])


def c7(s):
    a = b = []
    for w in s.split():
        a.append(w)
    return b


def c8(s):
    a = b = []
    a += [s]
    return len(b)


def c9(s):

    def inner(it):
        return (list(it), list(it))
    return inner(zip(s.split(), s.split()))


def c10(s):

    def inner(it):
        return (list(it), list(it))
    return inner(enumerate(s.split()))


def c11(s):
    return (lambda it: [len(list(it)), len(list(it))])(enumerate(s.split()))


def c12(s):

    def inner(it):
        return [(x[0], y[0]) for x in it for y in it]
    return inner(enumerate(s.split()))


def c13(s):

    def gen(it):
        for x in it:
            for y in it:
                yield (x, y)
    return list(gen(zip(s.split())))


def c17(s):
    x = {1, "a", 2.5}
    return len(x)


def c18(s):
    x = {None, "a", "b"}
    return s in x


def c19(s):
    return (lambda a, b: (a.append(s), len(b)))(*[1, 2]) if 0 else 1


def c20(s):

    def inner(acc, d):
        d[s] = 1
        acc.append(1)
        return (len(d), len(acc))
    return inner([], {})


def c21(s):

    def inner(acc):
        for w in s.split():
            acc.append(w)
        return acc
    return inner([])


def c22(s):

    def inner(acc):
        acc.add(s)
        return len(acc)
    return inner(set())


def c23(s):
    a = b = c = []
    a.append(s)
    b.append("y")
    return (a, b, c)


def c24(s):
    a = [(b := []), 1]
    b.append(s)
    return a


def c27(s):
    if not (a := []):
        a.append(s)
    return a


def c28(s):
    x = [] or s
    return x


def c29(s):
    a = []
    b = a
    b.append(s)
    return a


def c30(s):
    a, b = ([], [])
    a.append(s)
    return b
