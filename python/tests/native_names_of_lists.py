"""Small functions about lists, sets, dicts and what ``map`` and ``zip`` make of them, for ``test_native_names``.

Each says with its result which of its names saw a change. None is annotated, as programs' functions are not.
"""

from collections import Counter


def zipgg(s):
    g = (w for w in s.split())
    return list(zip(g, g))


def mapg(s):
    g = (w for w in s.split())
    m = map(len, g)
    a = list(m)
    b = list(g)
    return (len(a), len(b))


def filtg(s):
    g = (w for w in s.split())
    m = filter(None, g)
    a = len(list(m))
    return a, len(list(g))


def mapg2(s):
    g = (w for w in s.split())
    return sum(map(len, g)), sum(len(w) for w in g)


def late(s):
    n = 1
    m = map(lambda w: len(w) * n, s.split())
    n = 5
    return sum(m)


def late2(s):
    n = 1
    m = map(len, (w * n for w in s.split()))
    n = 5
    return sum(m)


def late3(s):
    n = 1
    m = filter(lambda w: len(w) > n, s.split())
    n = 0
    return len(list(m))


def cntd(s):
    d = {w: 5 for w in s.split()}
    return Counter(d).most_common()


def cntc(s):
    return Counter(Counter(s.split())).most_common()


def dcnt(s):
    return list(dict(Counter(zip(s.split(), s.split()[1:]))).items())


def dcnt2(s):
    return list(dict(Counter(s.split())).items())


def cntlit(s):
    return sorted(Counter({s: 3}).items())


def held(s):
    out = [s]
    pairs = [(out, w) for w in s.split()]
    out.append("x")
    return pairs


def held2(s):
    out = [s]
    p = max(((w, out) for w in s.split()), default=("", out))
    out.append("x")
    return p


def held3(s):
    out = [s]
    p = sorted((w, out) for w in s.split())
    out.append("x")
    return len(p) and p[0]


def held4(s):
    out = [s]
    for o in [(w, out) for w in s.split()]:
        out2 = o[1]
        out.append(o[0])
        if len(out2) > 2:
            return 1
    return 0


def g1(l):
    l += ["q"]
    return len(l)


def inpl(s):
    out = [s]
    a = g1(out)
    return a, len(out)


def inpl2(s):
    a = s.split()
    c = a[:]
    b = c
    c += ["z"]
    return (b, c)


def inpl3(s):
    a = s.split()
    c = a * 2
    b = c
    c += ["z"]
    return (b, c)


def inpl4(s):
    a = s.split()
    t = (a, 1)
    a += ["z"]
    return t


def inpl5(s):
    a = s.split()
    t = (a, 1)
    b = t[0]
    b += ["z"]
    return t


def inpl6(s):
    a = [w for w in s.split()]
    t = (a, 1)
    b = t[0]
    b *= 2
    return t


def exts(s):
    out = ["a"]
    out += s
    return out


def extt(s):
    out = ["a"]
    out += (s, "b")
    out.extend(w for w in s.split())
    return out


def self2(s):
    out = s.split()
    out += out
    return out


def closure(s):
    out = []
    g = lambda: len(out)
    out.append(s)
    return g()


def closure2(s):
    out = [s]
    g = lambda: out
    a = g()
    out.append("x")
    return a


def closure3(s):
    d = {s: 1}
    g = lambda k: d.get(k, 0)
    a = g("x")
    d["x"] = 1
    return a, g("x")


def closure4(s):
    d = {s: 1}
    (lambda k: d)("x")
    d["x"] = 2
    return len(d)


def alias(s):
    a = b = []
    for w in s.split():
        a.append(w)
        if len(b) > 1:
            b = []
    return a, b


def alias2(s):
    a = []
    b = a
    for w in s.split():
        a = a + [w]
        b.append(w)
    return a + ["/"] + b


def alias3(s):
    a = []
    b = []
    for w in s.split():
        a, b = b, a
        a.append(w)
    return a + ["/"] + b


def alias4(s):
    a = []
    b = []
    for w in s.split():
        if w > "b":
            b = a
        b.append(w)
    return a + ["/"] + b


def alias5(s):
    a = []
    b = a if s else ["q"]
    b.append("1")
    return a + ["/"] + b


def alias6(s):
    a = ["1"]
    b = a or ["q"]
    b.append("1")
    return a + ["/"] + b


def alias7(s):
    a = s.split()
    b = a or ["q"]
    b.append("1")
    return a + ["/"] + b


def alias8(s):
    a = s.split()
    b = sorted(a)
    c = list(a)
    d = a.copy()
    a.sort()
    b.append("x")
    c.reverse()
    d += ["y"]
    return a + ["/"] + b + ["/"] + c + d


def alias9(s):
    s1 = set(s)
    s2 = s1
    s2.add("#")
    s1 |= {"!"}
    s2 = s2 | {"?"}
    return sorted(s1), sorted(s2)


def alias10(s):
    d = {}
    e = d
    e["a"] = 1
    d["b"] = 2
    f = dict(d)
    f["c"] = 1
    return len(d), len(e), len(f)


def app2(s):
    out = []
    a = out.append
    for w in s.split():
        a(w)
    return out


def app3(s):
    out = []
    a = out.append
    out = ["n"]
    for w in s.split():
        a(w)
    return out


def nest(s):
    out = []
    for w in s.split():
        row = []
        for c in w:
            row.append(c)
        out.append(tuple(row))
    return out


def nest2(s):
    row = []
    n = 0
    for w in s.split():
        row.append(w)
        t = (len(row), tuple(row))
        n += t[0]
    return n


def cond(s):
    out = [] if s else ["e"]
    for w in s.split():
        out.append(w)
    return out


def tryapp(s):
    out = []
    for w in s.split():
        try:
            out.append("b")
            out.append(str(int(w)))
        except ValueError:
            out.append("-")
        finally:
            out.append(";")
    return out


def tryapp2(s):
    out = []
    try:
        for w in s.split():
            out.append(int(w))
    except ValueError:
        pass
    return out


def tryapp3(s):
    out = []
    for w in s.split():
        try:
            out.append(w[2])
        except IndexError:
            break
        else:
            out.append("e")
    else:
        out.append("done")
    return out
