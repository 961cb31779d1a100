#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""thumb - translate a Thumb program of ARMv7-M into C, for tests/sim/thumb_run.c

    thumb.py PROGRAM.elf FOLDER --ram AT --flash AT [--device AT]... [--sync FUNCTION,...]
             [--end FUNCTION,...]

writes FOLDER/program.h and FOLDER/program_cases.h. Every halfword of .text is taken for the beginning of
an instruction, unless it is the second half of one; data too, for who skips a branch runs into what
stands behind it. Each is a case of its own, numbered by its place; instructions in an IT block
are there once more, behind all others, for each state that the block may be in. What is not known here
ends the run as UNKNOWN: it is never guessed at.

An instruction is the text of one C statement over r0 to r14 and three more locals: `res`, whose sign is N
and whose being zero is Z, `c` and `v`. Which registers it reads and writes is read off that text.
"""
import argparse, re, struct, subprocess, sys

UNKNOWN = "STOP(UNKNOWN);"
FAULT = "STOP(FAULT);"
SAID = ["res == 0", "res != 0", "c", "!c", "(int32_t)res < 0", "(int32_t)res >= 0", "v", "!v",
        "c && res != 0", "!(c && res != 0)", "res >> 31 == v", "res >> 31 != v",
        "res != 0 && res >> 31 == v", "!(res != 0 && res >> 31 == v)", "1", "1"]


def bits(word, high, low):
    return word >> low & (1 << high - low + 1) - 1


def signed(value, width):
    return value - (1 << width) if value >> width - 1 else value


def number(value):
    return "0x%xu" % (value & 0xffffffff)


def advance(it):
    return it & 0xe0 | it << 1 & 0x1f if it & 7 else 0


def expand(imm12):
    """ThumbExpandImm: value, and the carry (None: as it was)."""
    if imm12 >> 10 == 0:
        byte = imm12 & 255
        return [byte, byte << 16 | byte, byte << 24 | byte << 8, byte * 0x01010101][
            bits(imm12, 9, 8)], None
    value, turn = 0x80 | imm12 & 127, imm12 >> 7
    value = (value >> turn | value << 32 - turn) & 0xffffffff
    return value, value >> 31


def shifted(text, kind, count):
    """By a constant: expression, carry (None: as it was)."""
    if kind == 0:
        return (f"({text} << {count})", f"{text} >> {32 - count} & 1") if count else (text, None)
    if kind == 3:
        return (f"ror({text}, {count})", f"{text} >> {count - 1} & 1") if count else \
            (f"(c << 31 | {text} >> 1)", f"{text} & 1")
    if count == 0:
        return ("0u" if kind == 1 else f"asr({text}, 31)"), f"{text} >> 31"
    return (f"({text} >> {count})" if kind == 1 else f"asr({text}, {count})"), \
        f"{text} >> {count - 1} & 1"


class Code:
    """One instruction, at `pc`, in state `it` of an IT block (0: none)."""

    def __init__(self, pc, it, first, second):
        self.pc, self.it, self.h, self.h2 = pc, it, first, second
        self.length, self.after = 2, advance(it)
        self.left_out = self.after  # the state behind it if it is not executed
        self.flags = not it  # short forms of arithmetic
        if first >> 11 in (29, 30, 31):
            self.length = 4
            self.text = self.wide()
        else:
            self.text = self.narrow()
        if it and it >> 4 < 14 and first >> 8 != 0xbe:
            self.text = f"if ({SAID[it >> 4]}) {{ {self.text} }}"

    def reg(self, n):
        return number(self.pc + 4) if n == 15 else f"r{n}"

    def put(self, n, value):
        if n == 15:
            return f"JUMP({value});"
        return f"r{n} = {value}{' & ~3u' if n == 13 else ''};" if n != 13 else \
            f"r13 = ({value}) & ~3u;"

    def to(self, target):
        return f"GO({number(target)}, {int(target <= self.pc)}, H_{target & 0xffffffff:x});"

    # --- arithmetic

    def logic(self, n, value, carry, flags):
        """n None: only flags."""
        if not flags:
            return self.put(n, value)
        text = f"{{ uint32_t t = {value};"
        if carry is not None:
            text += f" c = {carry};"
        text += " res = t;"
        return text + (f" r{n} = t; }}" if n is not None else " }")

    def sum(self, n, left, right, carry, flags):
        if not flags:
            return self.put(n, f"{left} + {right} + {carry}" if carry != "0" else
                            f"{left} + {right}")
        text = f"{{ uint32_t x = {left}, y = {right}; uint64_t s = (uint64_t)x + y + {carry};" \
               " res = (uint32_t)s; c = (uint32_t)(s >> 32); v = ((x ^ res) & (y ^ res)) >> 31;"
        return text + (f" r{n} = res; }}" if n is not None else " }")

    def difference(self, n, left, right, flags, carry="1u"):
        return self.sum(n, left, f"~({right})", carry, flags)

    # --- memory

    def load(self, n, address, size, sign=False):
        value = f"READ{size}({address})"
        if sign:
            value = f"(uint32_t)(int32_t)(int{size}_t){value}"
        if n == 15:
            return f"INTERWORK({value});" if size == 32 else UNKNOWN
        return self.put(n, value)

    def store(self, n, address, size):
        return f"WRITE{size}({address}, {self.reg(n)});"

    def many(self, base, mask, load, down, back):
        """LDM, STM, and those of the stack."""
        regs = [n for n in range(16) if mask >> n & 1]
        if not regs or (13 in regs) or (not load and 15 in regs):
            return UNKNOWN
        start = f"r{base} - {4 * len(regs)}u" if down else f"r{base}"
        text = f"{{ uint32_t a = {start}; ALIGNED(a);"
        if not load:
            for i, n in enumerate(regs):
                text += f" WRITE32(a + {4 * i}u, r{n});"
        else:
            text += " uint32_t " + ", ".join(
                f"t{n} = READ32(a + {4 * i}u)" for i, n in enumerate(regs)) + ";"
        if back and not (load and base in regs):
            text += f" r{base} = " + ("a;" if down else f"a + {4 * len(regs)}u;")
        if load:
            text += "".join(f" r{n} = t{n};" for n in regs if n != 15)
            text += " INTERWORK(t15);" if 15 in regs else ""
        return text + " }"

    # --- short forms

    def narrow(self):
        h = self.h
        return (self.short_shift if h >> 13 == 0 else self.short_imm if h >> 13 == 1 else
                self.short_alu if h >> 10 == 16 else self.short_high if h >> 10 == 17 else
                self.short_literal if h >> 11 == 9 else self.short_memory if h >> 12 < 10 else
                self.short_address if h >> 12 == 10 else self.short_misc if h >> 12 == 11 else
                self.short_many if h >> 12 == 12 else self.short_branch)()

    def short_shift(self):
        h, d, m = self.h, self.h & 7, self.h >> 3 & 7
        kind, count = h >> 11 & 3, h >> 6 & 31
        if kind < 3:
            value, carry = shifted(f"r{m}", kind, count)
            return self.logic(d, value, carry, self.flags)
        other = number(count & 7) if h >> 10 & 1 else f"r{count & 7}"
        if h >> 9 & 1:
            return self.difference(d, f"r{m}", other, self.flags)
        return self.sum(d, f"r{m}", other, "0", self.flags)

    def short_imm(self):
        d, value = self.h >> 8 & 7, number(self.h & 255)
        what = self.h >> 11 & 3
        if what == 0:
            return self.logic(d, value, None, self.flags)
        if what == 1:
            return self.difference(None, f"r{d}", value, True)
        if what == 2:
            return self.sum(d, f"r{d}", value, "0", self.flags)
        return self.difference(d, f"r{d}", value, self.flags)

    def by_register(self, d, left, kind, right, flags):
        call = ["lsl_by", "lsr_by", "asr_by", "ror_by"][kind]
        text = f"{{ uint32_t x = {left}, n = {right} & 255; uint32_t t = {call}(x, n);"
        if flags:
            text += f" c = {call}_c(x, n, c); res = t;"
        return text + f" r{d} = t; }}"

    def short_alu(self):
        d, m = f"r{self.h & 7}", f"r{self.h >> 3 & 7}"
        n, flags = self.h & 7, self.flags
        return [lambda: self.logic(n, f"{d} & {m}", None, flags),
                lambda: self.logic(n, f"{d} ^ {m}", None, flags),
                lambda: self.by_register(n, d, 0, m, flags),
                lambda: self.by_register(n, d, 1, m, flags),
                lambda: self.by_register(n, d, 2, m, flags),
                lambda: self.sum(n, d, m, "c", flags),
                lambda: self.difference(n, d, m, flags, "c"),
                lambda: self.by_register(n, d, 3, m, flags),
                lambda: self.logic(None, f"{d} & {m}", None, True),
                lambda: self.difference(n, "0u", m, flags),
                lambda: self.difference(None, d, m, True),
                lambda: self.sum(None, d, m, "0", True),
                lambda: self.logic(n, f"{d} | {m}", None, flags),
                lambda: self.logic(n, f"{d} * {m}", None, flags),
                lambda: self.logic(n, f"{d} & ~{m}", None, flags),
                lambda: self.logic(n, f"~{m}", None, flags)][self.h >> 6 & 15]()

    def short_high(self):
        h = self.h
        d, m = h & 7 | h >> 4 & 8, h >> 3 & 15
        what = h >> 8 & 3
        if what == 0:
            return self.put(d, f"{self.reg(d)} + {self.reg(m)}")
        if what == 1:
            return self.difference(None, self.reg(d), self.reg(m), True)
        if what == 2:
            return self.put(d, self.reg(m))
        if h & 7:
            return UNKNOWN
        text = f"{{ uint32_t t = {self.reg(m)};"
        if h & 0x80:
            text += f" r14 = {number(self.pc + 2 | 1)};"
        return text + " INTERWORK(t); }"

    def short_literal(self):
        return self.load(self.h >> 8 & 7, number((self.pc + 4 & ~3) + 4 * (self.h & 255)), 32)

    def short_memory(self):
        h, t, n = self.h, self.h & 7, f"r{self.h >> 3 & 7}"
        if h >> 12 == 5:
            at = f"{n} + r{h >> 6 & 7}"
            what = h >> 9 & 7
            if what < 3:
                return self.store(t, at, [32, 16, 8][what])
            return self.load(t, at, [8, 32, 16, 8, 16][what - 3], what in (3, 7))
        if h >> 12 == 9:
            t, at, size = h >> 8 & 7, f"r13 + {4 * (h & 255)}u", 32
        else:
            size = {6: 32, 7: 8, 8: 16}[h >> 12]
            at = f"{n} + {(h >> 6 & 31) * size // 8}u"
        return self.load(t, at, size) if h >> 11 & 1 else self.store(t, at, size)

    def short_address(self):
        d, value = self.h >> 8 & 7, 4 * (self.h & 255)
        if self.h >> 11 & 1:
            return self.put(d, f"r13 + {value}u")
        return self.put(d, number((self.pc + 4 & ~3) + value))

    def short_misc(self):
        h, d, m = self.h, self.h & 7, f"r{self.h >> 3 & 7}"
        what = h >> 8 & 15
        if what == 0:
            return self.put(13, f"r13 {'-' if h & 0x80 else '+'} {4 * (h & 127)}u")
        if what in (1, 3, 9, 11):
            target = self.pc + 4 + ((h >> 9 & 1) << 6 | (h >> 3 & 31) << 1)
            return f"if (r{d} {'!=' if h >> 11 & 1 else '=='} 0) {self.to(target)}"
        if what == 2:
            return self.put(d, f"(uint32_t){['(int16_t)', '(int8_t)', '(uint16_t)', '(uint8_t)'][h >> 6 & 3]}{m}")
        if what in (4, 5):
            return self.many(13, h & 255 | (h >> 8 & 1) << 14, False, True, True)
        if what in (12, 13):
            return self.many(13, h & 255 | (h >> 8 & 1) << 15, True, False, True)
        if what == 10 and h >> 6 & 3 != 2:
            return self.put(d, [f"rev({m})", f"rev16({m})", "", f"(uint32_t)(int16_t)rev16({m})"][h >> 6 & 3])
        if what == 14:
            return "SEMIHOST(r0, r1);" if h & 255 == 0xab else UNKNOWN
        if what == 15 and h & 15:
            self.after = h & 255
            return ";" if not self.it else UNKNOWN
        if h in (0xbf20, 0xbf30):  # they wait
            return UNKNOWN
        return ";" if what == 15 or h >> 5 == 0x5b3 else UNKNOWN  # hints, CPS

    def short_many(self):
        n = self.h >> 8 & 7
        return self.many(n, self.h & 255, bool(self.h >> 11 & 1), False, True)

    def short_branch(self):
        h = self.h
        if h >> 12 == 13:
            cond = h >> 8 & 15
            if cond > 13:
                return FAULT
            return f"if ({SAID[cond]}) {self.to(self.pc + 4 + 2 * signed(h & 255, 8))}"
        return self.to(self.pc + 4 + 2 * signed(h & 0x7ff, 11))

    # --- long forms

    def wide(self):
        h, h2 = self.h, self.h2
        if h >> 10 & 1 and h >> 11 != 30:
            return FAULT  # there is no coprocessor
        if h >> 11 == 29:
            if h >> 9 & 1:
                return self.wide_alu()
            return self.wide_dual() if h >> 6 & 1 else self.wide_many()
        if h >> 11 == 30:
            return self.wide_branch() if h2 >> 15 else \
                self.wide_plain() if h >> 9 & 1 else self.wide_imm()
        if h >> 8 == 0xfa:
            return self.wide_register()
        if h >> 8 == 0xfb:
            return self.wide_long() if h >> 7 & 1 else self.wide_multiply()
        return self.wide_memory()

    def operate(self, what, flags, n, d, other, carry):
        """Data processing: `other` is the second operand, `carry` that of its shift."""
        left = self.reg(n)
        if what in (0, 4, 8, 13) and d == 15 and flags:
            d = None
        elif d in (13, 15) and not (d == 13 and what in (8, 13)) and not (
                d == 13 and what == 2 and n == 15):
            return UNKNOWN
        logical = {0: f"{left} & {other}", 1: f"{left} & ~({other})", 2: f"{left} | {other}",
                   3: f"{left} | ~({other})", 4: f"{left} ^ {other}"}
        if what in (2, 3) and n == 15:
            logical = {2: other, 3: f"~({other})"}
        if what in logical:
            return self.logic(d, logical[what], carry, flags)
        if what == 8:
            return self.sum(d, left, other, "0", flags)
        if what == 10:
            return self.sum(d, left, other, "c", flags)
        if what == 11:
            return self.difference(d, left, other, flags, "c")
        if what == 13:
            return self.difference(d, left, other, flags)
        if what == 14:
            return self.difference(d, other, left, flags)
        return UNKNOWN

    def wide_imm(self):
        h, h2 = self.h, self.h2
        value, carry = expand((h >> 10 & 1) << 11 | (h2 >> 12 & 7) << 8 | h2 & 255)
        return self.operate(h >> 5 & 15, h >> 4 & 1, h & 15, h2 >> 8 & 15, number(value),
                            None if carry is None else number(carry))

    def wide_alu(self):
        h, h2 = self.h, self.h2
        if h2 & 15 in (13, 15):
            return UNKNOWN
        value, carry = shifted(f"r{h2 & 15}", h2 >> 4 & 3, h2 >> 10 & 28 | h2 >> 6 & 3)
        if not h >> 4 & 1:
            carry = None
        return self.operate(h >> 5 & 15, h >> 4 & 1, h & 15, h2 >> 8 & 15, value, carry)

    def wide_plain(self):
        h, h2 = self.h, self.h2
        n, d, what = h & 15, h2 >> 8 & 15, h >> 4 & 31
        imm12 = (h >> 10 & 1) << 11 | (h2 >> 12 & 7) << 8 | h2 & 255
        imm16 = number(n << 12 | imm12)
        low, width = h2 >> 10 & 28 | h2 >> 6 & 3, (h2 & 31) + 1
        if d == 15 or d == 13 and what not in (0, 10):
            return UNKNOWN
        if what in (0, 10):
            base = number(self.pc + 4 & ~3) if n == 15 else f"r{n}"
            return self.put(d, f"{base} {'+' if what == 0 else '-'} {number(imm12)}")
        if what == 4:
            return self.put(d, imm16)
        if what == 12:
            return self.put(d, f"(r{d} & 0xffffu) | {imm16} << 16")
        if what == 22:
            high = width - 1
            if high < low:
                return UNKNOWN
            mask = ((1 << high - low + 1) - 1) << low
            new = "0u" if n == 15 else f"(r{n} << {low} & {number(mask)})"
            return self.put(d, f"(r{d} & ~{number(mask)}) | {new}")
        if what in (20, 28) and n != 15 and low + width <= 32:
            kind = "int32_t" if what == 20 else "uint32_t"
            return self.put(d, f"(uint32_t)(({kind})(r{n} << {32 - low - width}) >> {32 - width})")
        return UNKNOWN

    def wide_branch(self):
        h, h2 = self.h, self.h2
        s, j1, j2 = h >> 10 & 1, h2 >> 13 & 1, h2 >> 11 & 1
        if h2 >> 12 & 5 == 0 and h >> 7 & 7 != 7:
            cond = h >> 6 & 15
            at = s << 20 | j2 << 19 | j1 << 18 | (h & 63) << 12 | (h2 & 0x7ff) << 1
            return f"if ({SAID[cond]}) {self.to(self.pc + 4 + signed(at, 21))}"
        if h2 >> 12 & 1:
            at = s << 24 | (1 ^ j1 ^ s) << 23 | (1 ^ j2 ^ s) << 22 | (h & 0x3ff) << 12 | (h2 & 0x7ff) << 1
            go = self.to(self.pc + 4 + signed(at, 25))
            return f"r14 = {number(self.pc + 4 | 1)}; {go}" if h2 >> 14 & 1 else go
        if h2 >> 14 & 1:
            return FAULT  # BLX to Arm's other set of instructions
        if h == 0xf3ef and h2 >> 12 == 8:
            return self.put(h2 >> 8 & 15, "0u") if h2 & 255 == 5 else UNKNOWN
        if h & 0xfff0 == 0xf380 and h2 & 255 == 8:
            return self.put(13, f"r{h & 15}")
        if h == 0xf3bf or h == 0xf3af and h2 & 255 not in (2, 3):
            return ";"  # barriers, hints that do not wait
        return UNKNOWN

    def wide_many(self):
        h, what = self.h, self.h >> 7 & 3
        if what in (0, 3) or h & 15 == 15:
            return UNKNOWN
        return self.many(h & 15, self.h2, bool(h >> 4 & 1), what == 2, bool(h >> 5 & 1))

    def wide_dual(self):
        h, h2, n = self.h, self.h2, self.h & 15
        if h & 0xfff0 == 0xe8d0 and h2 >> 4 == 0xf00 or h & 0xfff0 == 0xe8d0 and h2 >> 4 == 0xf01:
            return self.table()
        before, up, back = h >> 8 & 1, h >> 7 & 1, h >> 5 & 1
        if not before and not back or n == 15 and back:
            return UNKNOWN
        t, t2, step = h2 >> 12, h2 >> 8 & 15, f"{'+' if up else '-'} {4 * (h2 & 255)}u"
        if {t, t2} & {13, 15}:
            return UNKNOWN
        base = number(self.pc + 4 & ~3) if n == 15 else f"r{n}"
        text = f"{{ uint32_t b = {base} {step}, a = {'b' if before else base}; ALIGNED(a);"
        if h >> 4 & 1:
            text += " uint32_t x = READ32(a), y = READ32(a + 4u);"
            text += f" r{n} = b;" if back else ""
            return text + f" r{t} = x; r{t2} = y; }}"
        text += f" WRITE32(a, r{t}); WRITE32(a + 4u, r{t2});"
        return text + (f" r{n} = b; }}" if back else " }")

    def table(self):
        n, m = self.h & 15, self.h2 & 15
        if self.h2 >> 4 & 1:
            at = f"READ16({self.reg(n)} + 2 * r{m})"
        else:
            at = f"READ8({self.reg(n)} + r{m})"
        return f"JUMP({number(self.pc + 4)} + 2 * {at});"

    def wide_memory(self):
        h, h2 = self.h, self.h2
        n, t, load = h & 15, h2 >> 12, h >> 4 & 1
        size, sign = [8, 16, 32, 0][h >> 5 & 3], h >> 8 & 1
        if size == 0 or sign and (not load or size == 32) or (not load and (n == 15 or t == 15)):
            return UNKNOWN
        if load and t == 15 and size != 32:
            return ";"  # preload
        move = (lambda at: self.load(t, at, size, bool(sign))) if load else \
            (lambda at: self.store(t, at, size))
        if n == 15:
            return move(number((self.pc + 4 & ~3) + (h2 & 0xfff) * (1 if h >> 7 & 1 else -1)))
        if h >> 7 & 1:
            return move(f"r{n} + {h2 & 0xfff}u")
        if h2 >> 6 & 63 == 0:
            return move(f"r{n} + (r{h2 & 15} << {h2 >> 4 & 3})")
        if not h2 >> 11 & 1 or h2 >> 8 & 7 == 6:
            return UNKNOWN
        before, step = h2 >> 10 & 1, f"{'+' if h2 >> 9 & 1 else '-'} {h2 & 255}u"
        if not h2 >> 8 & 1:
            return move(f"r{n} {step}") if before else UNKNOWN
        if t == n:
            return UNKNOWN
        text = f"{{ uint32_t b = r{n} {step}, a = {'b' if before else f'r{n}'};"
        if t == 15 and load:
            return text + f" uint32_t t = READ32(a); r{n} = b; INTERWORK(t); }}"
        return text + f" {move('a')} r{n} = b; }}"

    def wide_register(self):
        h, h2 = self.h, self.h2
        n, d, m = h & 15, h2 >> 8 & 15, h2 & 15
        if h2 >> 12 != 15 or {d, m} & {13, 15}:
            return UNKNOWN
        if not h >> 7 & 1 and not h2 >> 7 & 1 and h2 >> 4 & 7 == 0:
            return self.by_register(d, f"r{n}", h >> 5 & 3, f"r{m}", h >> 4 & 1) if n != 15 \
                else UNKNOWN
        if not h >> 7 & 1 and h2 >> 7 & 1 and h >> 4 & 7 in (0, 1, 4, 5):
            kind = {0: "(int16_t)", 1: "(uint16_t)", 4: "(int8_t)", 5: "(uint8_t)"}[h >> 4 & 7]
            turn = 8 * (h2 >> 4 & 3)
            value = f"(uint32_t){kind}" + (f"ror(r{m}, {turn})" if turn else f"r{m}")
            return self.put(d, value if n == 15 else f"r{n} + {value}")
        if h >> 4 & 15 == 9 and h2 >> 4 & 15 in (8, 9, 11) and n == m:
            call = {8: f"rev(r{m})", 9: f"rev16(r{m})",
                    11: f"(uint32_t)(int16_t)rev16(r{m})"}[h2 >> 4 & 15]
            return self.put(d, call)
        if h >> 4 & 15 == 11 and h2 >> 4 & 15 == 8 and n == m:
            return self.put(d, f"clz(r{m})")
        return UNKNOWN

    def wide_multiply(self):
        h, h2 = self.h, self.h2
        n, a, d, m = h & 15, h2 >> 12, h2 >> 8 & 15, h2 & 15
        if h >> 4 & 7 or {n, d, m} & {13, 15} or h2 >> 4 & 15 > 1:
            return UNKNOWN
        if h2 >> 4 & 15 == 1:
            return self.put(d, f"r{a} - r{n} * r{m}")
        return self.put(d, f"r{n} * r{m}" + ("" if a == 15 else f" + r{a}"))

    def wide_long(self):
        h, h2 = self.h, self.h2
        n, low, high, m = h & 15, h2 >> 12, h2 >> 8 & 15, h2 & 15
        what, more = h >> 4 & 7, h2 >> 4 & 15
        if {n, high, m} & {13, 15}:
            return UNKNOWN
        if what in (1, 3) and more == 15:
            return self.put(high, f"{'sdiv' if what == 1 else 'udiv'}(r{n}, r{m})")
        if what not in (0, 2, 4, 6) or more not in (0, 6) or more == 6 and what != 6 \
                or low in (13, 15) or low == high:
            return UNKNOWN
        kind = "int" if what in (0, 4) else "uint"
        text = f"{{ uint64_t t = (uint64_t)(({kind}64_t)({kind}32_t)r{n} * ({kind}32_t)r{m})"
        if more == 6:
            text += f" + r{low} + r{high}"
        elif what in (4, 6):
            text += f" + ((uint64_t)r{high} << 32 | r{low})"
        return text + f"; r{low} = (uint32_t)t; r{high} = (uint32_t)(t >> 32); }}"


LOCALS = [f"r{n}" for n in range(15)] + ["res", "c", "v"]


def touches(code):
    """Masks of what it may read, and of what it writes whatever happens."""
    reads = writes = 0
    for i, name in enumerate(LOCALS):
        for found in re.finditer(rf"(?<![\w.]){name}\b(?!\s*\()", code.text):
            target = re.match(r" = ", code.text[found.end():])
            if target:
                writes |= 1 << i
            else:
                reads |= 1 << i
    return reads, 0 if "if (" in code.text else writes


class Program:
    def __init__(self, elf):
        self.elf = elf
        head = self.tool("objdump", "-h", "-j", ".text")
        data = self.tool("objdump", "-h", "-j", ".data")
        assert re.search(r"\.data\s+0+\s", data), "initial data would have to be in ROM, too"
        size, _, at, offset = re.search(r"\.text\s+(\w+)\s+(\w+)\s+(\w+)\s+(\w+)", head).groups()
        self.base, size, offset = int(at, 16), int(size, 16), int(offset, 16)
        with open(elf, "rb") as file:
            file.seek(offset)
            self.rom = file.read(size)
        self.halves = struct.unpack(f"<{size // 2}H", self.rom[:size // 2 * 2])
        self.symbols = {line.split()[2]: int(line.split()[0], 16) & ~1
                        for line in self.tool("nm").splitlines() if len(line.split()) == 3}
        self.real = {}  # addresses of instructions as the compiler laid them: their functions
        function = None
        for line in self.tool("objdump", "-d").splitlines():
            start = re.match(r"([0-9a-f]+) <([^>]+)>:", line)
            function = start[2] if start else function
            code = re.match(r"\s*([0-9a-f]+):\t([0-9a-f]{4})( [0-9a-f]{4})? *\t(\S+)", line)
            if code and not code[4].startswith("."):
                self.real[int(code[1], 16)] = function

    def tool(self, name, *words):
        return subprocess.run(["arm-none-eabi-" + name, *words, self.elf], check=True,
                              capture_output=True, text=True).stdout

    def code(self, index, it):
        second = self.halves[index + 1] if index + 1 < len(self.halves) else 0
        return Code(self.base + 2 * index, it, self.halves[index], second)


def translate(program, syncs, ends):
    """Lines of C: cases for a switch over places."""
    count = len(program.halves)
    places = [(index, 0) for index in range(count)]
    known = {place: n for n, place in enumerate(places)}
    stops = {program.symbols[name] for name in ends if name in program.symbols}
    syncs = {at for at, function in program.real.items() if function in syncs}
    lines = []
    absent = {index + 1 for index in range(count - 1) if program.base + 2 * index in program.real
              and program.halves[index] >> 11 in (29, 30, 31)}
    for n, (index, it) in enumerate(places):  # grows
        if index in absent:
            continue
        code = program.code(index, it)
        following = (index + code.length // 2, code.after)
        if following[0] < count and following not in known:
            known[following] = len(places)
            places.append(following)
        next_place = None if following[0] in absent else known.get(following)
        skipped = (following[0], code.left_out)
        if skipped[0] < count and skipped not in known:
            known[skipped] = len(places)
            places.append(skipped)
        skip_place = None if skipped[0] in absent else known.get(skipped)
        pc = program.base + 2 * index
        text = code.text
        for target in re.findall(r"H_([0-9a-f]+)\)", text):
            to = (int(target, 16) - program.base) // 2
            text = text.replace(f"H_{target})", "outside)" if not 0 <= to < count else
                                "unknown)" if to in absent else f"P{to})")
        reads, writes = touches(code)
        line = f"case {n}: P{n}:"
        if pc in syncs and it == 0 and before_is_call(program, pc):
            line += f" SYNC({n});"  # before AT: what this instruction reads is compared, too
        line += f" AT({n}, {index}, {-1 if skip_place is None else skip_place}, " \
                f"{reads:#x}u, {writes:#x}u);"
        if pc in stops and it == 0:
            line += " STOP(SAFE);"
        line += " " + text
        line += f" goto P{next_place};" if next_place is not None else " STOP(UNKNOWN);"
        lines.append(line)
    return lines, places


def before_is_call(program, pc):
    index = (pc - program.base) // 2
    return index >= 2 and pc - 4 in program.real and program.halves[index - 2] >> 11 == 30 and \
        program.halves[index - 1] >> 14 == 3 or index >= 1 and pc - 2 in program.real and \
        program.halves[index - 1] & 0xff87 == 0x4780


def main():
    words = argparse.ArgumentParser()
    words.add_argument("elf")
    words.add_argument("folder")
    words.add_argument("--ram", type=lambda x: int(x, 0), required=True)
    words.add_argument("--flash", type=lambda x: int(x, 0), required=True)
    words.add_argument("--device", type=lambda x: int(x, 0), action="append", default=[])
    words.add_argument("--sync", default="")
    words.add_argument("--end", default="")
    given = words.parse_args()
    program = Program(given.elf)
    lines, places = translate(program, given.sync.split(","), given.end.split(","))
    with open(given.folder + "/program_cases.h", "w") as file:
        file.write("\n".join(["/* made by tests/sim/thumb.py */", *lines, ""]))
    defines = {"ROM_AT": program.base, "ROM_LEN": len(program.rom), "RAM_AT": given.ram,
               "FLASH_AT": given.flash, "HALVES": len(program.halves), "PLACES": len(places)}
    with open(given.folder + "/program.h", "w") as file:
        file.write("/* made by tests/sim/thumb.py */\n")
        for name, value in defines.items():
            file.write(f"#define {name} {value:#x}u\n")
        file.write(f"#define DEVICES {', '.join(hex(at) + 'u' for at in given.device)}\n"
                   f"#define ROM_BYTES {','.join(str(byte) for byte in program.rom)}\n"
                   "/* of each place: its halfword in ROM */\n"
                   f"#define PLACE_HALVES {','.join(str(index) for index, _ in places)}\n"
                   "/* and the state of its IT block */\n"
                   f"#define PLACE_ITS {','.join(str(it) for _, it in places)}\n")


if __name__ == "__main__":
    sys.exit(main())
