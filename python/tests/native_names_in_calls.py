"""Small functions whose inner functions change what they are given or capture, for ``test_native_names``.

Each says with its result what it has afterwards. None is annotated, as programs' functions are not.
"""


def m1(s):

    def add(l, w):
        l.append(w)
    a = []
    for w in s.split():
        add(a, w)
    return a


def m2(s):

    def add(l, w):
        l.append(w)
        return len(l)
    a = []
    t = 0
    for w in s.split():
        t += add(a, w)
    return t


def m3(s):

    def fill(l):
        for w in s.split():
            l.append(w)
            l.append("z")
    a = []
    fill(a)
    return a


def m4(s):

    def fill(l, n):
        while len(l) < n:
            l.append(n)
    a = []
    fill(a, len(s))
    return len(a)


def m5(s):

    def add(d, w):
        d[w] = d.get(w, 0) + 1
    d = {}
    for w in s.split():
        add(d, w)
    return list(d.items())


def m6(s):

    def add(d, w):
        d.add(w)
    d = set()
    for w in s.split():
        add(d, w)
    return len(d)


def m7(s):

    def fill(d, ws):
        for w in ws:
            d[w] = 1
        return len(d)
    d = {}
    n = fill(d, s.split())
    return n * 100 + len(d)


def m8(s):

    def fill(l, ws):
        n = 0
        for w in ws:
            l += [w]
            n += 1
            if n == 3:
                return n
        return n
    a = []
    n = fill(a, s.split())
    return n * 100 + len(a)


def m9(s):

    def fill(l, ws):
        n = 0
        for w in ws:
            l.append(w)
            n += 1
            if n == 3:
                break
        return n
    a = ["q"]
    b = a
    n = fill(a, s.split())
    return b


def m10(s):

    def f(l, w):
        l += [w]
    a = []
    i = 0
    while i < len(s):
        f(a, i)
        i += 1
    return len(a)


def m11(s):

    def f(l):
        l.sort()
    a = s.split()
    for i in range(2):
        f(a)
    return a


def m12(s):
    f = lambda l, w: l.append(w)
    a = []
    for w in s.split():
        f(a, w)
        if len(a) == 2:
            break
    return a


def m13(s):
    f = lambda l, w: l.append(w)
    a = []
    b = [f(a, w) for w in s.split()]
    return a


def m14(s):
    f = lambda l, w: l.append(w)
    a = []
    for w in s.split():
        for v in w:
            f(a, v)
        a.append("|")
    return a


def m15(s):
    a = []
    b = []
    for w in s.split():
        a, b = (b, a)
        a.append(w)
    return a + ["|"] + b


def m16(s):
    a = []
    b = []
    for w in s.split():
        c = a if len(w) > 1 else b
        c.append(w)
    return a + ["|"] + b


def m17(s):
    a = []
    b = a if s else []
    b.append(s)
    return a + ["|"] + b


def m18(s):
    out = []
    cur = []
    for w in s.split():
        if w == "be":
            out.append(len(cur))
            cur = []
        else:
            cur.append(w)
    return len(out) * 100 + len(cur)


def m19(s):
    a = s.split()
    b = a
    a *= 2
    return b


def m20(s):
    a = s.split()
    b = a
    a = a + ["x"]
    b += ["y"]
    return a + ["|"] + b


def m21(s):
    a = s.split()
    a *= 2
    return a


def m22(s):
    n = 0
    for w in s.split():

        def f(l):
            l.append(w)
        a = [1]
        f(a)
        n += len(a)
    return n


def m23(s):

    def f(l, m):
        l.append(1)
        return len(m)
    a = [s]
    return f(a, a)


def m24(s):

    def f(l):
        l = l + [1]
        l.append(2)
        return len(l)
    a = [s]
    return f(a) * 10 + len(a)


def m25(s):

    def f(l):
        try:
            l.append(int(l[0]))
            return 1
        except ValueError:
            l.append("x")
            return 2
    a = [s]
    r = f(a)
    return r * 10 + len(a)


def m26(s):
    a = []
    try:
        for w in s.split():
            a.append(int(w))
            a.append(0)
    except ValueError:
        pass
    return a


def m27(s):
    a = []
    try:
        for w in s.split():
            a.append(int(w))
    except ValueError:
        pass
    return a


def m28(s):
    a = []
    for w in s.split():
        try:
            a.append(1)
            a.append(int(w))
        except ValueError:
            a.append(2)
    return a


def r1(s):

    def f(l):
        for i in range(2):
            l = [i]
        l.append(5)
        return len(l)
    a = [7, 8]
    n = f(a)
    return a


def r2(s):

    def f(l, m):
        for w in s.split():
            l, m = (m, l)
        l.append(9)
        return len(l)
    a = [1]
    b = [2]
    f(a, b)
    return a + b


def r3(s):

    def f(l, k):
        while k > 0:
            l = l + [k]
            k -= 1
        l.append(0)
        return l
    a = [1]
    r = f(a, len(s))
    return a + [-1] + r


def r4(s):

    def f(d, k):
        for i in range(k):
            d = {i: 1}
        d["q"] = 1
        return len(d)
    d = {}
    return f(d, len(s)) * 100 + len(d)


def r12(s):
    d = {}
    for w in s.split():
        d[w] = 1
    e = d
    for w in ("a", "b"):
        e[w] = 2
    return list(d.items())


def r13(s):
    a = s.split()

    def f(l):
        l += ["x"]
        return l
    b = f(a) + f(a)
    return b


def r14(s):

    def f(l):
        l.append("x")
        return [1]
    a = s.split()
    return a + f(a)


def r15(s):

    def f(l):
        for i in (1, 2):
            l.append("x")
            l.append("y")
        return ["1"]
    a = s.split()
    return a + f(a)


def r16(s):

    def f(l):
        for i in (1, 2):
            l.append("x")
        return ["1"]
    a = s.split()
    return a + f(a)


def r17(s):

    def f(l, n):
        for i in (1, 2):
            for j in (1, 2):
                l.append(j)
            n += 1
        return n
    a = [0]
    n = f(a, 1)
    return a + [n]
