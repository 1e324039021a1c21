"""Small functions about generators, lists that other values hold, and counted items, for ``test_native_names``.

Each says with its result which of its names saw a change. None is annotated, as programs' functions are not.
"""

from collections import Counter, namedtuple
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Od:
    x: Any
    y: Any = (1, "a")


Q = namedtuple("Q", "count x index", defaults=[3])


def enumzip(s):
    g = (w for w in s.split())
    return list(zip(enumerate(g), g))


def zipm(s):
    m = map(len, s.split())
    return list(zip(m, m))


def mapgen(s):
    g = map(len, s.split())
    return [a for a in map(str, g)] + [str(b) for b in g]


def nestgen(s):
    g = (w for w in s.split())
    h = (w + "!" for w in g)
    a = list(g)
    return a, list(h)


def gencond(s):
    g = (w for w in s.split())
    if len(s) > 4:
        a = list(g)
    else:
        a = []
    return a + list(g)


def genloop(s):
    g = (w for w in s.split())
    n = 0
    for w in s.split():
        n += len(list(g))
    return n


def genin(s):
    g = (w for w in s.split())
    return ("be" in g, list(g))


def genzip2(s):
    g = (w for w in s.split())
    return [a + b for a, b in zip(s.split()[:1], g)] + list(g)


def lateloop(s):
    n = 0
    m = map(lambda w: len(w) + n, s.split())
    for w in s.split():
        n += 1
    return list(m)


def latewords(s):
    ws = s.split()
    m = map(len, ws)
    ws = ["q"]
    return list(m)


def latekey(s):
    k = 1
    f = lambda w: w[k:]
    a = sorted(s.split(), key=f)
    return a


def latem2(s):
    n = 1
    z = list(zip(map(lambda w: len(w) * n, s.split()), s))
    n = 3
    return z


def hh(it, k):
    return sum(it) * k


def passm(s):
    return hh(map(len, s.split()), 2)


def add(l, v):
    l += [v]
    return l


def inp(s):
    o = [s]
    p = add(o, "z")
    return o, p


def inpc(s):
    o = s.split()
    add(o, "z")
    add(o, "y")
    return len(o)


def inpcap(s):
    o = s.split()
    f = lambda: len(o)
    o += ["z"]
    return f()


def inpcap2(s):
    o = s.split()
    g = [len(o) for w in [1]]
    o += ["z"]
    return g + [len(o)]


def inprec(t):
    l = t[0]
    l += ["q"]
    return t


def inprec2(t):
    l = t[0]
    l += ["q"]
    return len(t[0])


def inppart(s):
    p = s.partition(" ")
    q = p
    q += ("x",)
    return p, q


def inpset(s):
    a = set(s)
    b = a
    b &= set("abc")
    return len(a), len(b)


def inpset2(s):
    a = set(s)
    b = a
    b -= a
    return len(a), len(b)


def inpset3(s):
    a = set(s)
    b = a
    b ^= set("ab")
    return sorted(a)


def inpd(s):
    a = {"k": 1}
    b = a
    b |= {"z": 2}
    return len(a)


def dc(s):
    o = [s]
    e = Od(o)
    o.append("z")
    return e.x


def dc2(s):
    o = [s]
    e = Od(o)
    o += ["z"]
    return e.x


def dc3(s):
    o = [s]
    e = Q(o, 1)
    o += ["z"]
    return e


def dc4(s):
    o = [s]
    d = {1: o}
    o += ["z"]
    return len(d[1])


def dc5(s):
    o = [s]
    t = [o, ["b"]]
    o += ["z"]
    return len(t[0])


def loopin(s):
    o = []
    t = (o, 1)
    for w in s.split():
        o += [w]
    return t


def ret(s):
    o = [s]
    o2 = (lambda l: l)(o)
    o2 += ["z"]
    return o


def ret2(s):
    o = s.split()
    o2 = o if s else []
    t = (o,)
    o2 += ["z"]
    return t


def fin(s):
    o = ["a"]
    try:
        o.append(int(s[0]))
    except (ValueError, IndexError):
        o += ["e"]
    finally:
        o.append("f")
    return o


def mc(s):
    c = Counter(s.split())
    return c.most_common(True), c.most_common(None), c.most_common(9)


def mc0(s):
    return Counter(s).most_common(0)


def cget(s):
    c = Counter(s)
    return c.get("a"), c["a"]


def cget2(s):
    return Counter(s).get("a", 0)


def clen(s):
    c = Counter(s.split())
    return len(c), "be" in c, bool(c), sum(c.values()), max(c.values(), default=0), sorted(c), list(c.items())


def ckey(s):
    return max(Counter(s).items(), key=lambda p: p[1], default=None)


def cset(s):
    return len(set(Counter(s))), sorted(set(Counter(s).values())), tuple(Counter(s))


def ceq(s):
    return Counter(s) == Counter("ab")


def cups(s):
    c = Counter(s)
    c.update("ab")
    return c.most_common(2)


def cgen(s):
    return Counter(len(w) for w in s.split()).most_common(1)


def dupd(s):
    d = dict(a=1)
    return len(d)


def dview(s):
    d = {w: 1 for w in s.split()}
    v = d.items()
    d["q"] = 2
    return len(list(v))


def dview2(s):
    d = {w: len(w) for w in s.split()}
    v = d.values()
    a = list(v)
    d["q"] = 7
    return a + list(v)


def dview3(s):
    d = {w: len(w) for w in s.split()}
    return list(d.keys()) + list(d.keys())


def dtwice(s):
    v = {w: len(w) for w in s.split()}.values()
    return sum(v) + sum(v)


def mapstr(s):
    return list(map(str, s.split())) + list(map(int, [len(s)]))


def enumtwice(s):
    r = range(3)
    return list(r) + list(r)


def enumstart(s):
    return list(enumerate(s.split(), start=len(s)))


def starargs(s):
    return max(*s.split())


def tuptup(s):
    return tuple(s.split()), tuple(map(len, s.split()))


def sorttwice(s):
    o = s.split()
    o.sort()
    p = o
    o.sort(key=len, reverse=True)
    return p


def retsort(s):
    o = s.split()
    return o.sort(), o.reverse(), o


def appret(s):
    o = []
    return [o.append(w) for w in s.split()]


def appret2(s):
    o = []
    [o.append(w) for w in s.split()]
    return o


def appyield(s):
    o = []
    for i, w in enumerate(s.split()):
        o.append(w)
        if i == 1:
            o = []
    return o


def shadow(s):
    out = []
    for w in s.split():
        for w in w:
            out.append(w)
        out.append(w)
    return out


def usesafter(s):
    out = []
    w = None
    for w in s.split():
        out.append(w)
    return out, w


def lenloop(s):
    out = []
    for w in s.split():
        out.append(len(out))
    return out


def cont(s):
    out = []
    for w in s.split():
        if w == "be":
            continue
        out.append(w)
        out.append(w)
    return out


def ternary(s):
    out = []
    for w in s.split():
        out.append(w) if w > "b" else out.append("-")
    return out


def twolists(s):
    a = []
    b = []
    for w in s.split():
        (a if w > "b" else b).append(w)
    return a + ["/"] + b


def whileiter(s):
    o = s.split()
    i = 0
    while i < len(o):
        if o[i] == "be":
            o.append("z")
        i += 1
    return o


def z1(s):
    k = lambda w: w
    g = (w for w in k)
    return s if s else g


def z2(s):
    g = (w for w in len(s))
    return s


def z3(s):
    n = len(s) if s else "none"
    g = (w for w in n)
    return s


def z4(s):
    g = map(str, 5)
    return s


def z5(s):
    n = len(s) if s > "b" else s
    g = filter(None, n)
    h = (v for v in zip(s, n))
    return s
