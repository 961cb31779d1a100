# SPDX-License-Identifier: Apache-2.0
"""spoil - every way in which a message can be wrong, walked from the CDDL

Given a type of cddl.py and a value that it takes, cases() gives encodings that it does not
take: for every field, wherever it is nested, each wrong type, each size and number just out
of its range and far out, each spelling that deterministic CBOR forbids; fields that are
missing, twice, unknown or out of order; and the whole cut off at every byte. No case is
picked by hand, and what is in the document is in the walk.

Byte strings with CBOR in them are walked too; `inside` says what is in those of which the
CDDL does not. `seals` makes signatures again over what was changed, so that the check behind
the signature is reached: rule name -> function of the encoded parts and the key of the
changed one, which changes other parts in place. Without `descend` what is in a byte string is
left alone: somebody else reads it.
"""
import cbor2

from cddl import (PRELUDE, Array, Choice, Encoded, Literal, Map, Name, Range, Regexp, Size,
                  Tagged)

UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
HUGE = 70000


def cbor(value):
    return cbor2.dumps(value, canonical=True)


def head(major, number, width=None):
    """`width` bytes behind the first one; None: the shortest."""
    if width is None:
        width = 0 if number < 24 else 1 if number < 2**8 else 2 if number < 2**16 \
            else 4 if number < 2**32 else 8
    if width == 0:
        return bytes([major << 5 | number])
    return bytes([major << 5 | 23 + width.bit_length()]) + number.to_bytes(width, "big")


def string(data, major=BYTES):
    return head(major, len(data)) + data


OTHERS = [0, 1, 2**32, 2**64 - 1, -1, -2**64, b"", b"x", "", "x", [], [0], {}, {0: 0},
          cbor2.CBORTag(0, 0), False, True, None]
STRANGERS = {"undefined": b"\xf7", "half": b"\xf9\0\0", "float": b"\xfa\0\0\0\0",
             "double": b"\xfb" + bytes(8), "NaN": b"\xf9\x7e\0", "simple": b"\xf0",
             "long simple": b"\xf8\xff", "false in two bytes": b"\xf8\x14", "break": b"\xff",
             "reserved": b"\x1c", "an array without end": b"\x9f",
             "8 GiB of bytes": b"\x5a\xff\xff\xff\xff", "2^64 bytes": b"\x5b" + b"\xff" * 8,
             "2^64 items": b"\x9b" + b"\xff" * 8, "2^64 pairs": b"\xbb" + b"\xff" * 8}
TEXTS = ["", "-", ".", "..", "a/b", "a b", "a\0", "\n", "\u00e9", "\U0001f600", "%41", "a" * 17,
         "a" * 33, "A" * 65, "a" * 129, "a" * 201, "a" * 4097]
NO_UTF8 = {"a lone byte": b"\x80", "an overlong one": b"\xc0\xae", "a surrogate": b"\xed\xa0\x80",
           "beyond Unicode": b"\xf4\x90\x80\x80", "one cut off": b"\xe2\x82"}


class Walker:
    def __init__(self, inside=None, seals=None, descend=True):
        self.inside, self.seals, self.descend = inside or {}, seals or {}, descend

    def cases(self, kind, value, rule=""):
        """(what is wrong, bytes) of a whole message."""
        good = cbor(value)
        yield from self.walk(kind, value, rule)
        for n in range(len(good)):
            yield f"{rule} cut off at {n}", good[:n]
        for name, more in (("a byte", b"\0"), ("null", b"\xf6"), ("a break", b"\xff"),
                           ("itself", good)):
            yield f"{rule} with {name} behind it", good + more

    def walk(self, kind, value, path, rule=None):
        """(what is wrong, bytes) of one item and all within it."""
        shallow = isinstance(kind, Encoded) and not self.descend
        for other in OTHERS:
            if not (kind.target if shallow else kind)(other):
                yield f"{path} is {other!r}", cbor(other)
        for name, data in STRANGERS.items():
            yield f"{path} is {name}", data
        yield from self.spellings(value, path)
        yield from self.within(kind, value, path, rule)

    @staticmethod
    def spellings(value, path):
        """The same value, as deterministic CBOR does not spell it."""
        good = cbor(value)
        major, info = good[0] >> 5, good[0] & 31
        if major == SIMPLE:
            return
        number = info if info < 24 else int.from_bytes(good[1:1 + 2 ** (info - 24)], "big")
        rest = good[len(head(major, number)):]
        for width in 1, 2, 4, 8:
            if width > len(head(major, number)) - 1:
                yield f"{path} with a head of {width}", head(major, number, width) + rest
        if major in (BYTES, TEXT):
            chunk = head(major, number) + rest
            yield f"{path} in chunks", bytes([major << 5 | 31]) + chunk + b"\xff"
        elif major in (ARRAY, MAP):
            yield f"{path} without a length", bytes([major << 5 | 31]) + rest + b"\xff"
        if major in (BYTES, TEXT, ARRAY, MAP):
            yield f"{path} said to be longer", head(major, number + 1) + rest

    def within(self, kind, value, path, rule=None):
        step = {Name: self.name, Choice: self.choice, Range: self.range, Size: self.size,
                Regexp: self.regexp, Encoded: self.encoded, Tagged: self.tagged, Map: self.map,
                Array: self.array, Literal: self.literal}[type(kind)]
        yield from step(kind, value, path, rule)

    def name(self, kind, value, path, _):
        if kind.name in PRELUDE:
            if kind.name == "bstr" and path in self.inside:
                yield from self.enclosed(self.inside[path], value, path)
            if kind.name == "tstr":
                yield from self.no_utf8(value, path)
        else:
            yield from self.within(kind.rules[kind.name], value, path, kind.name)

    def choice(self, kind, value, path, rule):
        """All of the alternatives have to refuse it."""
        for one in kind.choices:
            if one(value):
                for what, data in self.within(one, value, path, rule):
                    if not self.takes(kind, data):
                        yield what, data

    @staticmethod
    def takes(kind, data):
        try:
            value = cbor2.loads(data)
            return cbor(value) == data and kind(value)
        except Exception:  # whatever a decoder says to it
            return False

    @staticmethod
    def range(kind, _, path, __):
        for other in (kind.low - 1, kind.high + 1, kind.high + 256, 2**31, 2**32, 2**63,
                      2**64 - 1, -1 - kind.low):
            if -2**64 <= other < 2**64 and not kind(other):
                yield f"{path} is {other}", cbor(other)

    def size(self, kind, value, path, rule):
        for length in kind.low - 1, kind.high + 1, kind.high + 255, HUGE:
            if length < 0 or kind.low <= length <= kind.high:
                continue
            data = value.encode() if isinstance(value, str) else value
            data = (data * (length // max(len(data), 1) + 1) or bytes(length))[:length]
            major = TEXT if isinstance(value, str) else BYTES
            yield f"{path} of {length} bytes", string(data, major)
        if path in self.inside:
            yield from self.enclosed(self.inside[path], value, path)
        elif isinstance(value, str):
            yield from self.no_utf8(value, path)
        elif isinstance(kind.target, Encoded):
            yield from self.within(kind.target, value, path, rule)

    @staticmethod
    def no_utf8(value, path):
        data = value.encode()
        for name, bad in NO_UTF8.items():
            if len(bad) <= max(len(data), 1):
                yield f"{path} is {name}", string((bad + data[len(bad):]), TEXT)

    def regexp(self, kind, value, path, _):
        for other in [*TEXTS, value + "\0", value + "/", "\0" + value[1:], value + "\n"]:
            if not kind(other):
                yield f"{path} is {other[:40]!r}", cbor(other)
        yield from self.no_utf8(value, path)

    def encoded(self, kind, value, path, _):
        if self.descend:
            yield from self.enclosed(kind.inner, value, path)

    def enclosed(self, kind, value, path):
        """CBOR in a byte string, itself a whole message."""
        for what, data in self.cases(kind, cbor2.loads(value), path + "/"):
            yield what, string(data)

    def tagged(self, kind, value, path, rule):
        inner = cbor(value.value)
        for number in 0, kind.number - 1, kind.number + 1, 55799, 2**64 - 1:
            yield f"{path} with tag {number}", head(TAG, number) + inner
        yield f"{path} without its tag", inner
        yield f"{path} with its tag twice", head(TAG, kind.number) * 2 + inner
        for what, data in self.walk(kind.inner, value.value, path, rule):
            yield what, head(TAG, kind.number) + data

    @staticmethod
    def literal(kind, _, path, __):
        for other in kind.text[:-1], kind.text + "x", kind.text.upper():
            yield f"{path} is {other!r}", cbor(other)

    def map(self, kind, value, path, rule):
        pairs = [(cbor(k), cbor(value[k])) for k, _ in kind.members]

        def whole(parts, count=None):
            return head(MAP, len(parts) if count is None else count) \
                + b"".join(k + v for k, v in parts)
        for i, (key, _) in enumerate(kind.members):
            at = f"{path}.{key}"
            yield f"{at} is missing", whole(pairs[:i] + pairs[i + 1:])
            yield f"{at} is missing, but counted", whole(pairs[:i] + pairs[i + 1:], len(pairs))
            yield f"{at} twice", whole(pairs[:i + 1] + pairs[i:])
            yield f"{at} twice, counted once", whole(pairs[:i + 1] + pairs[i:], len(pairs))
            yield f"{at} once more at the end", whole(pairs + [pairs[i]])
            yield f"{at} under a long key", whole(
                pairs[:i] + [(head(UINT, key, 1), pairs[i][1])] + pairs[i + 1:])
            for other in key + 100, -1 - key, str(key), bytes([key]):
                yield f"{at} under {other!r}", whole(
                    pairs[:i] + [(cbor(other), pairs[i][1])] + pairs[i + 1:])
            if i:
                yield f"{at} before its time", whole(
                    pairs[:i - 1] + [pairs[i], pairs[i - 1]] + pairs[i + 1:])
        for other in max([k for k, _ in kind.members], default=0) + 1, 99, -1, "x", None:
            yield f"{path} with a field {other!r} more", whole(pairs + [(cbor(other), b"\0")])
        for i, (key, member) in enumerate(kind.members):
            for what, data in self.walk(member, value[key], f"{path}.{key}"):
                parts = dict(zip([k for k, _ in kind.members], [v for _, v in pairs]))
                parts[key] = data
                if rule in self.seals:
                    self.seals[rule](parts, key)
                yield what, whole([(k, parts[int_of(k)]) for k, _ in pairs])

    def array(self, kind, value, path, rule):
        items = [cbor(item) for item in value]

        def whole(parts, count=None):
            return head(ARRAY, len(parts) if count is None else count) + b"".join(parts)
        others = [(f"without item {i}", items[:i] + items[i + 1:]) for i in range(len(items))]
        others += [(f"with item {i} twice", items[:i + 1] + items[i:]) for i in range(len(items))]
        others += [("with one more", items + [b"\0"]), ("of 100", (items or [b"\0"]) * 100),
                   ("empty", [])]
        for name, parts in others:
            if not self.takes(kind, whole(parts)):
                yield f"{path} {name}", whole(parts)
        at = 0
        for low, high, item in kind.items:
            count = 0
            while count < high and at < len(value) and item(value[at]):
                for what, data in self.walk(item, value[at], f"{path}[{at}]"):
                    parts = dict(enumerate(items))
                    parts[at] = data
                    if rule in self.seals:
                        self.seals[rule](parts, at)
                    yield what, whole(list(parts.values()))
                at, count = at + 1, count + 1


def int_of(key):
    return cbor2.loads(key)
