"""Small functions about lists and generators that loops and inner functions rename, for ``test_native_names``.

Each says with its result which of its names saw a change. None is annotated, as programs' functions are not.
"""


def u1(s):
    a_ = []
    b = ["q"]
    for w in s.split():
        b = a_
    b.append("1")
    return len(a_) * 10 + len(b)


def u2(s):
    a_ = ["q"]
    b = a_
    for w in s.split():
        b = [w]
    b.append("1")
    return len(a_) * 10 + len(b)


def u3(s):
    d = {"q": 1}
    e = d
    for w in s.split():
        e = {w: 1}
    e["zz"] = 1
    return len(d) * 10 + len(e)


def u4(s):
    a_ = set()
    b = a_
    for w in s.split():
        b = b | {w}
    b.add("zz")
    return len(a_) * 10 + len(b)


def u5(s):
    it = (w for w in s.split())

    def use():
        return len(list(it))

    return use() * 10 + use()


def u6(s):
    it = map(str.upper, s.split())

    def use():
        return len(list(it))

    return use() * 10 + use()


def u7(s):
    it = (w for w in s.split())
    m = map(len, it)
    return len(list(it)) * 10 + len(list(m))


def u8(s):
    it = (w for w in s.split())
    return sorted([1, 2], key=lambda x: len(list(it)))


def u9(s):
    it = (w for w in s.split())
    f = lambda: len(list(it))
    n = 0
    for w in [1, 2]:
        n += f()
    return n


def u10(s):
    it = (w for w in s.split())
    m = zip(it, s)
    n = 0
    return 1


def u11(s):
    it = (w for w in s.split())
    n = 0
    for x, y in zip(it, it):
        n += len(x + y)
    return n


def u12(s):
    it = (w for w in s.split())
    n = 0
    for i, (x, y) in enumerate(zip(it, map(len, it))):
        n += y
    return n


def u13(s):
    out = [s]
    m = map(lambda w: len(out), s.split())
    out = ["a", "b"]
    return sum(m)


def u14(s):
    n = 1

    def f(w):
        return n * len(w)

    m = map(f, s.split())
    f = len
    n = 4
    return sum(m)


def u15(s):
    n = 1
    z = zip(s.split(), map(lambda w: n, s.split()))
    return 1


def u16(s):
    n = 1
    t = max(s.split(), key=lambda w: w[n:], default="")
    n = 0
    return t + max(s.split(), key=lambda w: w[n:], default="")


def u17(s):
    w = s.split()
    c_ = w[1:]
    d = c_
    d += ["z"]
    return len(c_)


def u18(s):
    w = s.split()
    c_ = w * 2
    d = c_
    d += ["z"]
    return len(c_)


def u19(s):
    w = s.split()
    c_ = w if w else [s]
    d = c_
    d += ["z"]
    return len(w)


def u20(s):
    w = [s]
    c_ = w * 2
    d = c_
    d *= 2
    return len(c_)


def u21(s):
    w = s.split()
    d = w
    d *= 2
    return len(w)


def u22(s):
    o = []
    for w in s.split():
        r = o
        o = o + [w]
        r.append("z")
    return len(o)


def u23(s):
    o = []
    p = []
    for w in s.split():
        o.append(w)
        if w == "3":
            break
        p = o
    p.append("k")
    return len(o) * 10 + len(p)


def u24(s):
    o = []
    p = []
    while s:
        s = s[1:]
        p = o
    p.append("k")
    return len(o) * 10 + len(p)


def u25(s):
    o = [s]
    p = o
    for w in s.split():
        try:
            int(w)
        except ValueError:
            p = [w]
    p += ["k"]
    return len(o) * 10 + len(p)


def u26(s):
    it = filter(None, (w for w in s.split()))
    return len(list(it)) * 10 + sum(1 for _ in it)


def u27(s):
    d = {}
    for w in s.split():
        d[w] = d.get(w, 0) + 1
    e = d
    f = {**d}
    e["k"] = 1
    return len(d) * 10 + len(f)


def gf(s):
    for w in s.split():
        yield w


def u28(s):
    g = gf(s)
    m = map(len, g)
    return len(list(m)) * 10 + len(list(g))


def u29(s):
    g = gf(s)
    return len(list(zip(g, g)))


def u30(s):
    return len(list(map(len, gf(s))))


def u31(s):
    n = 0
    for a_, b in zip(map(len, s.split()), gf(s)):
        n += a_ * len(b)
    return n


def v1(s):
    words = []
    word = "none"
    try:
        for word in s.split():
            words.append(word.strip())
        return int(s)
    except ValueError:
        return word


def v2(s):
    words = []
    n = 0
    try:
        for i, word in enumerate(s.split()):
            n = i
            words.append(word + "!")
        a, b = words
        return n if a == b else -1
    except ValueError:
        return n


def v3(s):
    words = []
    bad = 0
    try:
        for word in s.split():
            bad = len(word)
            if word != "be":
                words.append(word)
        return 10 // len(words)
    except (ZeroDivisionError, IndexError):
        return -bad
    finally:
        bad = 1
