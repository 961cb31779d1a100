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

    # Parsed types are functions: value -> bool.

    def type(self):
        choices = [self.operand()]
        while self.peek() == "/":
            self.take()
            choices.append(self.operand())
        return choices[0] if len(choices) == 1 else lambda v: any(c(v) for c in choices)

    def operand(self):
        target = self.primary()
        if self.peek() in CONTROLS:
            return self.control(self.take(), target)
        return target

    def control(self, control, target):
        if control == ".cbor":
            inner = self.primary()
            return lambda v: target(v) and inner(cbor2.loads(v))
        if control == ".regexp":
            pattern = re.compile(self.take()[1:-1])
            return lambda v: target(v) and pattern.fullmatch(v) is not None
        if self.peek() == "(":
            self.take()
            low = int(self.take())
            self.expect("..")
            high = int(self.take())
            self.expect(")")
        else:
            low = high = int(self.take())
        return lambda v: target(v) and low <= len(v.encode() if isinstance(v, str) else v) <= high

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
            return lambda v: isinstance(v, cbor2.CBORTag) and v.tag == number and inner(v.value)
        if token[0] == '"':
            return lambda v: v == token[1:-1]
        if re.fullmatch(r"-?\d+", token):
            low = high = int(token)
            if self.peek() == "..":
                self.take()
                high = int(self.take())
            return lambda v: type(v) is int and low <= v <= high
        if not token[0].isalpha():
            raise SyntaxError(f"CDDL: {token} where a type should be")
        self.used.add(token)
        return lambda v: (PRELUDE.get(token) or self.rules[token])(v)

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
        return lambda v: isinstance(v, dict) and list(v) == [k for k, _ in members] and all(
            t(v[k]) for k, t in members)

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

        def check(value):
            if not isinstance(value, list):
                return False
            at = 0
            for low, high, item in items:
                count = 0
                while count < high and at < len(value) and item(value[at]):
                    at, count = at + 1, count + 1
                if count < low:
                    return False
            return at == len(value)
        return check
