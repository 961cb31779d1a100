#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write edges.json: signatures at the edges of their formats.

Textbook arithmetic on Python's integers, no library; every run gives the same
bytes. `expect` is what a strict verifier says (null: either), `host` what
OpenSSL 3.0 says, which takes keys of small order.
"""
import hashlib
import json
import sys

rows = []


def row(alg, name, key, message, signature, expect, host=None):
    rows.append({"alg": alg, "id": name, "key": key.hex(), "message": message.hex(),
                 "signature": signature.hex(), "expect": expect,
                 "host": expect if host is None else host})


def number(label, below):
    digest = b"".join(hashlib.sha512(b"%s %d" % (label.encode(), i)).digest() for i in range(8))
    return int.from_bytes(digest, "big") % below


class Curve:
    """y^2 = x^3 - 3x + b"""

    def __init__(self, alg, size, p, b, n, g):
        self.alg, self.size, self.p, self.b, self.n, self.g = alg, size, p, b, n, g

    def add(self, u, v):
        if u is None or v is None:
            return u or v
        p = self.p
        if u[0] == v[0]:
            if (u[1] + v[1]) % p == 0:
                return None
            slope = 3 * (u[0] ** 2 - 1) * pow(2 * u[1], -1, p)
        else:
            slope = (v[1] - u[1]) * pow(v[0] - u[0], -1, p)
        x = (slope ** 2 - u[0] - v[0]) % p
        return x, (slope * (u[0] - x) - u[1]) % p

    def times(self, k, u):
        r = None
        for bit in bin(k % self.n)[2:]:
            r = self.add(r, r)
            if bit == "1":
                r = self.add(r, u)
        return r

    def lift(self, x):
        square = (x ** 3 - 3 * x + self.b) % self.p
        y = pow(square, (self.p + 1) // 4, self.p)
        return (x, y) if y * y % self.p == square else None

    def integer(self, k):
        return k.to_bytes(self.size, "big")

    def point(self, u, first=4):
        return bytes([first]) + self.integer(u[0]) + self.integer(u[1])

    def row(self, name, q, e, r, s, expect, host=None):
        q = q if isinstance(q, bytes) else self.point(q)
        row(self.alg, name, q, self.integer(e), self.integer(r) + self.integer(s), expect, host)

    def edges(self):
        n, p, top = self.n, self.p, 2 ** (8 * self.size) - 1
        d, k, e = (number(self.alg + label, n) for label in "dke")
        q = self.times(d, self.g)
        r = self.times(k, self.g)[0] % n
        s = (e + r * d) * pow(k, -1, n) % n
        self.row("good", q, e, r, s, True)
        self.row("other-s", q, e, r, n - s, True)
        for name, value in (("0", 0), ("1", 1), ("n", n), ("n-1", n - 1), ("n+1", n + 1),
                            ("p", p), ("all-ones", top)):
            self.row("r-" + name, q, e, value, s, False)
            self.row("s-" + name, q, e, r, value, False)
            self.row("both-" + name, q, e, value, value, False)
        self.row("r-0-s-1", q, e, 0, 1, False)
        self.row("r-1-s-0", q, e, 1, 0, False)

        zero = r * d * pow(k, -1, n) % n
        # BearSSL multiplies by nothing that is 0 modulo n: nobody will meet such a digest
        self.row("digest-0", q, 0, r, zero, None, True)
        self.row("digest-n", q, n, r, zero, None, True)
        self.row("digest-all-ones", q, top, r, (top + r * d) * pow(k, -1, n) % n, True)
        # u1 G + u2 Q with u1 G = u2 Q, and with u1 G = -u2 Q
        u1 = number(self.alg + "u1", n)
        r2 = self.times(2 * u1, self.g)[0] % n
        e2 = r2 * d % n
        self.row("doubles", q, e2, r2, e2 * pow(u1, -1, n) % n, True)
        self.row("infinity", q, n - r * d % n, r, s, False)
        # key = G, -G: the multiples meet on the way
        self.row("key-g", self.g, e, r, (e + r) * pow(k, -1, n) % n, True)
        minus = (self.g[0], p - self.g[1])
        self.row("key-minus-g", minus, e, r, (e - r) * pow(k, -1, n) % n, True)
        for one in (1, 2, n - 1):
            point = self.times(one, self.g)
            rr = point[0] % n
            self.row("k-%d" % one if one < 3 else "k-n-1", q, e, rr,
                     (e + rr * d) * pow(one, -1, n) % n, True)
        # x of R is n or more: r is x - n
        x = n + 1
        while self.lift(x) is None:
            x += 1
        u2 = number(self.alg + "u2", n)
        big = self.add(self.lift(x), self.times(n - u1, self.g))
        big = self.times(pow(u2, -1, n), big)
        small_r = x - n
        small_s = small_r * pow(u2, -1, n) % n
        self.row("r-wraps", big, u1 * small_s % n, small_r, small_s, True)
        self.row("r-unwrapped", big, u1 * small_s % n, x, small_s, False)

        for first in (0, 1, 2, 3, 5, 6, 7):
            self.row("point-begins-%d" % first, self.point(q, first), e, r, s, False)
        self.row("point-0-0", self.point((0, 0)), e, r, s, False)
        self.row("point-off-curve", self.point((q[0], q[1] ^ 1)), e, r, s, False)
        self.row("point-minus", self.point((q[0], p - q[1])), e, r, s, False)
        self.row("point-x-p", self.point((p, q[1])), e, r, s, False)
        self.row("point-all-ones", self.point((top, top)), e, r, s, False)
        # a good key whose x stands as x + p
        x = 0
        while self.lift(x) is None:
            x += 1
        low = self.lift(x)
        u = number(self.alg + "low", n)
        point = self.add(self.times(u1, self.g), self.times(u, low))
        rr = point[0] % n
        ss = rr * pow(u, -1, n) % n
        self.row("point-low", low, u1 * ss % n, rr, ss, True)
        self.row("point-low-plus-p", self.point((low[0] + p, low[1])), u1 * ss % n, rr, ss, False)


P = 2 ** 255 - 19
L = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
BASE_Y = 4 * pow(5, -1, P) % P


def ed_lift(y, odd):
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        return None
    return ((x, y) if x & 1 == odd else (-x % P, y))


def ed_add(u, v):
    (a, b), (c, d) = u, v
    t = D * a * b * c * d % P
    return ((a * d + b * c) * pow(1 + t, -1, P) % P, (b * d + a * c) * pow(1 - t, -1, P) % P)


def ed_times(k, u):
    r = (0, 1)
    for bit in bin(k)[2:]:
        r = ed_add(r, r)
        if bit == "1":
            r = ed_add(r, u)
    return r


def ed_bytes(u, odd=None):
    odd = u[0] & 1 if odd is None else odd
    return (u[1] | odd << 255).to_bytes(32, "little")


def ed_hash(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def little(k):
    return k.to_bytes(32, "little")


def ed_edges():
    base = ed_lift(BASE_Y, 0)
    alg, message = "ed25519", hashlib.sha256(b"image").digest()
    a, r = number("ed a", L), number("ed r", L)
    key, big_r = ed_bytes(ed_times(a, base)), ed_bytes(ed_times(r, base))

    def solve(key, big_r):
        return (r + ed_hash(big_r, key, message) * a) % L

    s = solve(key, big_r)
    row(alg, "good", key, message, big_r + little(s), True)
    for times in range(1, 16):
        if s + times * L < 2 ** 256:
            row(alg, "s-plus-%d-l" % times, key, message, big_r + little(s + times * L), False)
    for name, value in (("0", 0), ("l", L), ("l-1", L - 1), ("all-ones", 2 ** 256 - 1),
                        ("2^253", s | 1 << 253), ("2^255", s | 1 << 255)):
        row(alg, "s-" + name, key, message, big_r + little(value), False)
    row(alg, "r-minus", key, message, ed_bytes(ed_times(L - r, base)) + little(s), False)
    # s = 0: R = -[k]A cannot be solved for; r = 0: R is the neutral point
    one = ed_bytes((0, 1))
    row(alg, "r-neutral", key, message, one + little(ed_hash(one, key, message) * a % L), True)
    for name, bad in (("y-plus-p", (1 + P).to_bytes(32, "little")), ("minus-0", ed_bytes((0, 1), 1))):
        row(alg, "r-neutral-" + name, key, message,
            bad + little(ed_hash(bad, key, message) * a % L), False)

    # the eight points of small order, and every encoding of each
    order_8 = None
    y = 2
    while order_8 is None:
        point = ed_lift(y, 0)
        if point is not None:
            point = ed_times(L, point)
            if ed_times(4, point) != (0, 1):
                order_8 = point
        y += 1
    small = [ed_times(i, order_8) for i in range(8)]
    encodings = set()
    for x, y in small:
        for value in (y, y + P):
            for odd in (0, 1):
                if value < 2 ** 255 and (x == 0 or odd == x & 1):
                    encodings.add((value | odd << 255).to_bytes(32, "little"))
    for i, key_small in enumerate(sorted(encodings)):
        # a message for which [k]A is neutral: [s]B = R
        at = 0
        while True:
            text = b"small %d" % at
            k = ed_hash(big_r, key_small, text) % L
            y = int.from_bytes(key_small, "little") % 2 ** 255 % P
            point = [u for u in small if u[1] == y][0]
            if ed_times(k, point) == (0, 1):
                break
            at += 1
        row(alg, "key-of-small-order-%d" % i, key_small, text, big_r + little(r), False, True)
    # a key, and an R, with a part of small order: only a check with cofactor is content
    mixed = ed_bytes(ed_add(ed_times(a, base), order_8))
    at = 0
    while ed_hash(big_r, mixed, message) % L % 8 == 0:
        at += 1
        message = hashlib.sha256(b"image %d" % at).digest()
    row(alg, "key-mixed-cofactored", mixed, message, big_r + little(solve(mixed, big_r)), False)
    mixed_r = ed_bytes(ed_add(ed_times(r, base), order_8))
    row(alg, "r-mixed-cofactored", key, message, mixed_r + little(solve(key, mixed_r)), False)
    while ed_hash(big_r, mixed, message) % L % 8 != 0:
        at += 1
        message = hashlib.sha256(b"image %d" % at).digest()
    row(alg, "key-mixed-exact", mixed, message, big_r + little(solve(mixed, big_r)), True)
    # keys that are no point, or not in shortest form
    y = 2
    while ed_lift(y, 0) is not None:
        y += 1
    row(alg, "key-off-curve", little(y), message, big_r + little(s), False)
    for more in range(19):
        row(alg, "key-p-plus-%d" % more, little(P + more), message, big_r + little(s), False)
    row(alg, "key-all-ones", b"\xff" * 32, message, big_r + little(s), False)
    row(alg, "empty", key, b"", big_r + little((r + ed_hash(big_r, key) * a) % L), True)


def prime(label, bits):
    k = number(label, 2 ** bits) | 1 | 3 << bits - 2
    while not all(pow(base, k - 1, k) == 1 for base in (2, 3, 5, 7, 11)) or (k - 1) % 65537 == 0:
        k += 2
    return k


def mgf1(seed, length, make):
    out = b""
    for i in range(length // 20 + 1):
        out += make(seed + i.to_bytes(4, "big")).digest()
    return out[:length]


def pss(digest, length, salt_len=32, make=hashlib.sha256, mask=hashlib.sha256, pad=b"", one=1,
        tail=0xbc, top=0):
    salt = hashlib.shake_128(b"salt").digest(salt_len)
    h = make(b"\0" * 8 + digest + salt).digest()
    db = pad.rjust(length - len(h) - 2 - salt_len, b"\0") + bytes([one]) + salt
    masked = bytearray(x ^ y for x, y in zip(db, mgf1(h, len(db), mask)))
    masked[0] = (masked[0] & 0x7f) | top
    return bytes(masked) + h + bytes([tail])


def rsa_edges(bits):
    alg, length = "rsa", bits // 8
    p, q = prime("rsa p %d" % bits, bits // 2), prime("rsa q %d" % bits, bits // 2)
    n = p * q
    assert n.bit_length() == bits
    d = pow(65537, -1, (p - 1) * (q - 1))
    key, digest = n.to_bytes(length, "big"), hashlib.sha256(b"image").digest()

    def one(name, em, expect=False, host=None):
        sig = pow(int.from_bytes(em, "big"), d, n)
        row(alg, "%d-%s" % (bits, name), key, digest, sig.to_bytes(length, "big"), expect, host)

    def raw(name, sig, key=key):
        row(alg, "%d-%s" % (bits, name), key, digest, sig, False)

    one("good", pss(digest, length), True)
    if bits == 2048:
        for salt_len in (0, 20, 31, 33, 64, length - 34):
            one("salt-%d" % salt_len, pss(digest, length, salt_len))
        one("mask-sha1", pss(digest, length, mask=hashlib.sha1))
        one("mask-sha512", pss(digest, length, mask=hashlib.sha512))
        one("hash-sha512", pss(digest, length, make=hashlib.sha512))
        one("no-01", pss(digest, length, one=0))
        one("02", pss(digest, length, one=2))
        one("81", pss(digest, length, one=0x81))
        one("pad-last", pss(digest, length, pad=b"\1"))
        one("pad-first", pss(digest, length, pad=b"\1".ljust(length - 66, b"\0")))
        for tail in (0, 0xbb, 0xcc, 0x3c):
            one("tail-%02x" % tail, pss(digest, length, tail=tail))
        high = pss(digest, length, top=0x80)
        if int.from_bytes(high, "big") < n:
            one("top-bit", high)
        one("other-digest", pss(hashlib.sha256(b"other").digest(), length))
        one("pkcs1", b"\0\1" + b"\xff" * (length - 54) + b"\0" + bytes.fromhex(
            "3031300d060960864801650304020105000420") + digest)
    good = pow(int.from_bytes(pss(digest, length), "big"), d, n)
    for name, value in (("0", 0), ("1", 1), ("n-1", n - 1), ("n", n), ("n-plus-1", n + 1),
                        ("minus", n - good), ("all-ones", 2 ** bits - 1)):
        raw("sig-" + name, value.to_bytes(length, "big"))
    if good + n < 2 ** bits:
        raw("sig-plus-n", (good + n).to_bytes(length, "big"))
    sig = good.to_bytes(length, "big")
    raw("sig-short", sig[1:])
    raw("sig-long", b"\0" + sig)
    raw("sig-empty", b"")
    raw("key-even", sig, (n + 1).to_bytes(length, "big"))
    raw("key-short", sig, key[:-1])
    raw("key-zero-in-front", b"\0" + sig, b"\0" + key)
    raw("key-0", sig, bytes(length))
    raw("key-1", sig, bytes(length - 1) + b"\1")


Curve("p256", 32, 2 ** 256 - 2 ** 224 + 2 ** 192 + 2 ** 96 - 1,
      0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b,
      0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
      (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
       0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)).edges()
Curve("p384", 48, 2 ** 384 - 2 ** 128 - 2 ** 96 + 2 ** 32 - 1,
      0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef,
      0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973,
      (0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7,
       0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f)).edges()
ed_edges()
for size in (2048, 3072):
    rsa_edges(size)
json.dump({"rows": rows}, sys.stdout, indent=1)
print()
