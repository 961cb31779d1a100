# SPDX-License-Identifier: Apache-2.0
"""Bad settings: every key of every configuration file, every option of every verb

The templates and the help that the programs print say what there is; nothing is listed here.
"""
import concurrent.futures, itertools, os, re, subprocess

import pytest

from line import HALLMARK, HALLMARKD, STATION, VDEVICE

# Thousands of short programs: as many at once as there are processors.
POOL = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
KEY = re.compile(r"(#?)((?:  )*)(- )?([a-z_]+):(?: (.*))?$")


class Template:
    """What `hallmark config template` prints: keys, what each is, and a text that is fine."""

    def __init__(self, kind):
        done = subprocess.run([HALLMARK, "config", "template", kind], capture_output=True,
                              text=True, check=True)
        self.kind, self.lines, self.keys = kind, done.stdout.splitlines(), []
        words = ""
        for i, line in enumerate(self.lines):
            found = KEY.match(line)
            if found:
                self.keys.append((i, found[4], words, bool(found[1])))
            words = line.strip("# )").rpartition("(")[2]

    def with_(self, at, *lines):
        """The text with other lines for the key there, and without comment what leads to it."""
        text, depth = list(self.lines), len(KEY.match(self.lines[at])[2])
        for i in range(at, -1, -1):
            found = KEY.match(text[i])
            if found and found[1] and (len(found[2]) < depth or found[3] and i != at):
                text[i] = text[i][1:]
            if found and (not found[1] or text[i] != self.lines[i]):
                depth = min(depth, len(found[2]))
        text[at:at + 1] = lines
        return "\n".join(text) + "\n"

    def spoilt(self):
        """(what is wrong, text) of every key."""
        for at, key, words, _ in self.keys:
            if key == "schema":
                words = "number, 1 to 1; required"
            line = self.lines[at].removeprefix("#")
            start = line[:line.index(key)]
            rest = self.lines[at + 1:at + 2]
            if "required" in words and not start.endswith("- ") and "mapping" not in words \
                    and "list" not in words:
                yield f"{key} is missing", self.with_(at)
            yield f"{key} is misspelt", self.with_(at, line.replace(key, key + "x", 1))
            if "mapping" in words or "list" in words:
                others = ["5", '"x"', "~"] + (["{}", "{a: 1}"] if "list" in words else ["[1]"])
                for value in others:
                    yield f"{key} is {value}", self.with_(at, f"{start}{key}: {value}", *rest)
                continue
            again = line.replace("- ", "  ", 1)
            yield f"{key} twice", self.with_(at, line, again)
            for value in self.values(words):
                yield f"{key} is {value[:30]}", self.with_(at, f"{start}{key}: {value}")

    @staticmethod
    def values(words):
        """What a value of this kind is not."""
        yield from ("[1]", "{a: 1}", "*x", "&x y", "!!str x", "[", '"', '"\\x"', '"\0"', '"\x01"',
                    '"\udcff"', "|", "- x")
        number = re.match(r"number, (\d+) to (\d+)", words)
        size = re.match(r"(?:string|path|URI|name|hex), (\d+) to (\d+) bytes", words)
        if number:
            low, high = map(int, number.groups())
            yield from (str(low - 1), str(high + 1), "-1" if low >= 0 else "0", "9" * 25, "1.5",
                        "1e3", "0x10", "010", "true", '""', '"x"', "~", "+1", "1_000")
        elif words.startswith("hex"):
            size = int(size[1])
            yield from ('"zz"', '"0"', f'"{"00" * (size - 1)}"', f'"{"00" * (size + 1)}"', "~")
        elif words.startswith("true or false"):
            yield from ("yes", "1", '"true"', "TRUE", "~")
        elif size:
            low, high = map(int, size.groups())
            yield f'"{"a" * (high + 1)}"'
            yield f'"{"a" * 70000}"'
            yield from [f'"{"a" * (low - 1)}"'] if low else []
        elif " or " in words:
            yield from ('"nonsense"', '""', "5", "~")


@pytest.mark.parametrize("kind", ["hallmark", "server", "station", "product", "order"])
def test_configuration(kind, tmp_path):
    """Each key of each file: the exit status of a configuration, with the id of what is wrong."""
    template, numbers = Template(kind), itertools.count()

    def check(text):
        path = tmp_path / f"{next(numbers)}.yaml"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        done = subprocess.run([HALLMARK, "config", "check", kind, str(path), "--json"],
                              capture_output=True, check=False)
        path.unlink()
        return done
    assert check("\n".join(template.lines) + "\n").returncode == 0
    # What is spoilt below is right before.
    right = [(key, template.with_(at, template.lines[at]))
             for at, key, _, commented in template.keys if not commented]
    for (key, _), done in zip(right, POOL.map(lambda pair: check(pair[1]), right)):
        assert done.returncode == 0, key
    wrong, taken = list(template.spoilt()), []
    for (what, _), done in zip(wrong, POOL.map(lambda pair: check(pair[1]), wrong)):
        if done.returncode != 3 or not re.search(rb'"id":"HM-(13\d\d|9010)"', done.stderr):
            taken.append((what, done.returncode, done.stderr))
    assert not taken
    assert len(wrong) > 12 * len(template.keys)


def verbs(program):
    """Its nouns and verbs, by its own help."""
    def listed(words, heading):
        out = subprocess.run([*words, "--help"], capture_output=True, text=True,
                             check=True).stdout
        section = out.partition(f"\n{heading}:\n")[2].partition("\n\n")[0]
        return re.findall(r"^  ([a-z-]+)  ", section, re.M)
    for noun in listed([program], "nouns") or [None]:
        words = [program, noun] if noun else [program]
        for verb in listed(words, "verbs") or [None]:
            yield words + [verb] if verb else words


@pytest.mark.parametrize("program", [HALLMARK, HALLMARKD, STATION, VDEVICE])
def test_options(program, tmp_path):
    """Each option of each verb, wrong in every way: exit status 2, HM-1001, nothing done."""
    def run(words):
        return words, subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=60,
                                     check=False)
    lines = []
    for words in verbs(program):
        out = subprocess.run([*words, "--help"], capture_output=True, text=True,
                             check=True).stdout
        wrong = [["--nonsense"], ["--nonsense=x"], ["-Z"], ["--="], ["--color", "nonsense"],
                 ["--json=x"]] + [[f"x{i}" for i in range(100)]]
        options = re.findall(r"^ +(?:-\w, )?(--[a-z-]+)(?: ([A-Z-]+))?  ", out, re.M)
        for option, value in options:
            if option in ("--help", "--version"):
                continue
            wrong.append([option + "x", "1"])
            wrong += [[option]] if value else [[option + "=x"]]
            if value == "N":
                wrong += [[option, n] for n in ("x", "", "-1", "1.5", "0x1", "9" * 25)]
        for words_after in wrong:
            if words_after[0].startswith("x") and "..." in out.split("\n")[0].split("]")[-1]:
                continue  # takes any number of objects
            lines.append([*words, *words_after])
    for words, done in POOL.map(run, lines):
        assert done.returncode == 2, (words[1:9], done)
        assert b"HM-1001" in done.stderr, (words[1:9], done)
    assert len(lines) > 10 and not list(tmp_path.iterdir())
    print(program, len(lines))
