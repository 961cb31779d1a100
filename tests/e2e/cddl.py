# SPDX-License-Identifier: Apache-2.0
"""cddl - enough of RFC 8610 to hold docs/protocol.md against real bytes

Rules, maps with literal keys, arrays with occurrences, choices, ranges, literals, tags, groups
by name, and the controls .size, .regexp and .cbor. Anything else in the text is an error here.
"""
import re

import cbor2

TOKEN = re.compile(r"""\s*(?:;[^\n]*\n\s*)*(
    "[^"]*" | \#6\.\d+ | \.\.  | \.[a-z]+ | -?\d+\*\d+ | -?\d+ | [A-Za-z][A-Za-z0-9-]* |
    [={}\[\](),:/]
)""", re.X)
CONTROLS = (".size", ".regexp", ".cbor")
PRELUDE = {
    "uint": lambda v: type(v) is int and 0 <= v < 2**64,
    "bstr": lambda v: isinstance(v, bytes),
    "tstr": lambda v: isinstance(v, str),
    "bool": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}


# Types. Each is a function, value -> bool, that others can look into.

class Type:
    def __init__(self, **fields):
        self.__dict__.update(fields)


class Name(Type):
    """Of another rule or of the prelude."""

    def __call__(self, v):
        return (PRELUDE.get(self.name) or self.rules[self.name])(v)


class Choice(Type):
    def __call__(self, v):
        return any(choice(v) for choice in self.choices)


class Literal(Type):
    def __call__(self, v):
        return v == self.text


class Range(Type):
    def __call__(self, v):
        return type(v) is int and self.low <= v <= self.high


class Size(Type):
    def __call__(self, v):
        return self.target(v) and \
            self.low <= len(v.encode() if isinstance(v, str) else v) <= self.high


class Regexp(Type):
    def __call__(self, v):
        return self.target(v) and self.pattern.fullmatch(v) is not None


class Encoded(Type):
    """A byte string with CBOR in it."""

    def __call__(self, v):
        try:
            return self.target(v) and self.inner(cbor2.loads(v))
        except (cbor2.CBORDecodeError, UnicodeDecodeError):
            return False


class Tagged(Type):
    def __call__(self, v):
        return isinstance(v, cbor2.CBORTag) and v.tag == self.number and self.inner(v.value)


class Map(Type):
    """`members` are pairs of key and type."""

    def __call__(self, v):
        return isinstance(v, dict) and list(v) == [k for k, _ in self.members] and all(
            t(v[k]) for k, t in self.members)


class Array(Type):
    """`items` are triples: at least, at most, type."""

    def __call__(self, value):
        if not isinstance(value, list):
            return False
        at = 0
        for low, high, item in self.items:
            count = 0
            while count < high and at < len(value) and item(value[at]):
                at, count = at + 1, count + 1
            if count < low:
                return False
        return at == len(value)


class Cddl:
    def __init__(self, text):
        self.tokens, at, text = [], 0, text.rstrip() + "\n"
        while text[at:].strip() and not re.fullmatch(r"(\s*;[^\n]*\n)*\s*", text[at:]):
            m = TOKEN.match(text, at)
            if not m:
                raise SyntaxError(f"CDDL: {text[at:at + 40]!r}")
            self.tokens.append(m[1])
            at = m.end()
        self.at, self.rules, self.used = 0, {}, set()
        while self.at < len(self.tokens):
            name = self.take()
            self.expect("=")
            if name in self.rules or name in PRELUDE:
                raise SyntaxError(f"CDDL: {name} is given twice")
            is_group = self.peek() == "(" and self.peek(2) == ":"
            self.rules[name] = self.group() if is_group else self.type()
        for name in self.used - set(self.rules) - set(PRELUDE):
            raise SyntaxError(f"CDDL: {name} is nowhere defined")

    def peek(self, ahead=0):
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else None

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, token):
        if self.take() != token:
            raise SyntaxError(f"CDDL: {token} expected at {self.tokens[self.at - 5:self.at + 3]}")

    def type(self):
        choices = [self.operand()]
        while self.peek() == "/":
            self.take()
            choices.append(self.operand())
        return choices[0] if len(choices) == 1 else Choice(choices=choices)

    def operand(self):
        target = self.primary()
        if self.peek() in CONTROLS:
            return self.control(self.take(), target)
        return target

    def control(self, control, target):
        if control == ".cbor":
            return Encoded(target=target, inner=self.primary())
        if control == ".regexp":
            return Regexp(target=target, pattern=re.compile(self.take()[1:-1]))
        if self.peek() == "(":
            self.take()
            low = int(self.take())
            self.expect("..")
            high = int(self.take())
            self.expect(")")
        else:
            low = high = int(self.take())
        return Size(target=target, low=low, high=high)

    def primary(self):
        token = self.take()
        if token == "{":
            return self.map()
        if token == "[":
            return self.array()
        if token == "(":
            inner = self.type()
            self.expect(")")
            return inner
        if token.startswith("#6."):
            self.expect("(")
            number, inner = int(token[3:]), self.type()
            self.expect(")")
            return Tagged(number=number, inner=inner)
        if token[0] == '"':
            return Literal(text=token[1:-1])
        if re.fullmatch(r"-?\d+", token):
            low = high = int(token)
            if self.peek() == "..":
                self.take()
                high = int(self.take())
            return Range(low=low, high=high)
        if not token[0].isalpha():
            raise SyntaxError(f"CDDL: {token} where a type should be")
        self.used.add(token)
        return Name(name=token, rules=self.rules)

    def member(self):
        key = int(self.take())
        self.expect(":")
        return key, self.type()

    def group(self):
        self.expect("(")
        member = self.member()
        self.expect(")")
        return member

    def map(self):
        members = []
        while self.peek() != "}":
            if self.peek(1) == ":":
                members.append(self.member())
            else:
                self.used.add(self.peek())
                members.append(self.rules[self.take()])     # a group, defined before
            if self.peek() == ",":
                self.take()
        self.take()
        return Map(members=members)

    def array(self):
        items = []
        while self.peek() != "]":
            low = high = 1
            if "*" in self.peek():
                low, high = map(int, self.take().split("*"))
            items.append((low, high, self.type()))
            if self.peek() == ",":
                self.take()
        self.take()
        return Array(items=items)
