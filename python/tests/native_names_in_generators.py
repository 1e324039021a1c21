"""Small functions whose generators change what is outside them, for ``test_native_names``.

Each says with its result what it has afterwards. None is annotated, as programs' functions are not.
"""


def q1(s):
    d = {}

    def gen(ws):
        d["n"] = 1
        for w in ws:
            yield w
    r = list(gen(s.split()))
    return len(d)


def q2(s):

    def gen(l):
        l.append("q")
        for x in l:
            yield x
    a = s.split()
    r = list(gen(a))
    return a


def q3(s):

    def gen(l):
        for x in l:
            yield (l, x)
    a = s.split()
    r = list(gen(a))
    a.append("zz")
    return r


def q4(s):

    def gen(l):
        l.sort()
        for x in l:
            yield x
    a = s.split()
    b = "".join(gen(a))
    return a + [b]


def q5(s):

    def gen(d):
        d["x"] = 5
        for k in d:
            yield k
    d = {s: 1}
    r = list(gen(d))
    return r + list(d)


def q6(s):
    seen = set()

    def gen(ws):
        seen.add(s)
        for w in ws:
            yield w
    r = list(gen(s.split()))
    return len(seen)


def q7(s):

    def gen(l):
        m = (l, 1)
        for x in l:
            yield m
    a = s.split()
    r = list(gen(a))
    a.append("zz")
    return r


def q8(s):

    def gen(l):

        def f(m):
            m.append("i")
        f(l)
        for x in l:
            yield x
    a = s.split()
    r = list(gen(a))
    return a


def q9(s):

    def gen(g):
        h = list(g)
        for x in h:
            yield x
    g = (w for w in s.split())
    a = list(gen(g))
    return a + list(g)


def q10(s):

    def gen(g):
        for x in g:
            yield x
    g = (w for w in s.split())
    a = list(gen(g))
    return a + list(g)


def q11(s):
    g = (w for w in s.split())
    h = (w for w in g)
    return list(h) + list(g)


def q12(s):
    g = (w for w in s.split())
    h = map(len, g)
    k = list(g)
    return len(list(h)) * 10 + len(k)


def q13(s):

    def add(l, w):
        l.append(w)
        return w
    a = []
    r = list(map(lambda w: add(a, w), s.split()))
    return a


def q14(s):

    def add(l, w):
        l.append(w)
        return w
    a = []
    r = sorted(s.split(), key=lambda w: add(a, w))
    return a


def q15(s):

    def add(d):
        d["x"] = 1
        return 1
    d = {}
    r = [add(d) for w in s.split()]
    return len(d)


def q16(s):

    def gen(l):
        for x in l:
            yield x
    a = s.split()
    g = gen(a)
    a.append("x")
    return list(g)


def q17(s):

    def gen(l):
        for x in l:
            yield x
    g = gen(s.split())
    return list(g) + list(g)


def q18(s):

    def two(g):
        return (len(list(g)), len(list(g)))
    return two((w for w in s.split()))


def q19(s):
    g = (w for w in s.split())

    def two(h):
        return list(h)
    return two(g) + two(g)


def q20(s):
    a = s.split()
    b = ((a, w) for w in a)
    r = list(b)
    a.append("zz")
    return r


def q21(s):
    a = s.split()

    def keep(l):
        return (l, 1)
    t = keep(a)
    a.append("zz")
    return t


def q22(s):
    a = s.split()

    def keep(l):
        for i in range(2):
            t = (l, i)
        return t
    t = keep(a)
    a.append("zz")
    return t


def q23(s):
    a = s.split()

    def keep(l):
        return [(l, w) for w in l]
    t = keep(a)
    a.append("zz")
    return t


def q24(s):
    a = s.split()
    t = None
    for w in a:
        t = (a, w)
    a.append("zz")
    return t


def q25(s):
    a = s.split()
    t = [(a, 1) for w in a]
    a.append("zz")
    return t


def q26(s):
    a = []

    def keep(l, ws):
        r = []
        for w in ws:
            r.append((l, w))
        return r
    t = keep(a, s.split())
    a.append("zz")
    return t


def q27(s):
    a = [1]
    for i in range(3):
        b = a
        if i == 1:
            a = [2]
    b.append(5)
    return a


def q28(s):
    a = [1]
    b = a
    for w in s.split():
        b = [w]
    b.append("q")
    return a


def q29(s):
    a = []
    b = []
    for w in s.split():
        if w == "be":
            b = a
        b.append(w)
    return a


def q30(s):
    a = []
    for w in s.split():
        b = a
        if w == "be":
            break
    else:
        b = ["e"]
    b.append("q")
    return a
