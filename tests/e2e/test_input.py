# SPDX-License-Identifier: Apache-2.0
"""Bad input: every field of every message, missing, of a wrong type, too long, out of range,
twice; walked from the CDDL of docs/protocol.md by spoil.py, no list picked by hand

First against the decoders, with the golden messages; then against a running server over TLS,
and a device, with messages that would be right, signatures made again over what was changed.
Then the head of a request. Files and options: test_settings.py.
"""
import collections, contextlib, os, re, sqlite3, ssl, subprocess

import cbor2, pytest
from cryptography.hazmat.primitives import serialization

from counterpart import (CHALLENGE, CONFORMANCE, DONE, EVIDENCE, HELLO, INFO, PROBLEM, RECEIPT,
                         STAMP, Slot, cbor, kid_of, new_key, point_of, sha256, sign, sign1)
from line import APPROVERS, BUILD, VDEVICE, Factory, make_device, soft
from cddl import Name
from spoil import Walker, string
from test_wire import CDDL, FILES, decode, golden, rule

RULES = {name: Name(name=name, rules=CDDL.rules) for name in CDDL.rules}
MALFORMED = {5201, 5202, 4303}  # form, size, a key of another form

# --- the decoders -----------------------------------------------------------------

# Whose byte strings are read by others, and so walked with those.
SHALLOW = {"issue-request", "evidence", "entry-object"}
NEVER_READ = {"seal-aad"}


def codec(file):
    if file.startswith("update"):
        return "update_answer" if file in ("update-state", "update-problem") else "update_ask"
    family = re.match(r"(object|entry|link|sign1|claims|stamp|problem)\b", file)
    return family[1] if family else file.replace("-", "_")


class Decoder:
    def __init__(self):
        self.process = subprocess.Popen([BUILD + "/tests/e2e/tools/wire_tool"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def judge(self, name, messages):
        """The error of each."""
        for message in messages:
            self.process.stdin.write(bytes([len(name)]) + name.encode()
                                     + len(message).to_bytes(4, "big") + message)
            self.process.stdin.flush()
            yield int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        self.process.stdout.close()


@pytest.fixture(scope="module")
def decoder():
    made = Decoder()
    yield made
    made.close()


@pytest.mark.parametrize("file", [file for file in FILES if file not in NEVER_READ])
def test_decoders_refuse_whatever_is_wrong(decoder, file):
    name, kind = codec(file), RULES[rule(file)]
    assert list(decoder.judge(name, [golden(file)])) == [0]
    cases = list(Walker(descend=file not in SHALLOW).cases(kind, decode(file), rule(file)))
    taken = [what for (what, data), error in
             zip(cases, decoder.judge(name, (data for _, data in cases)))
             if error not in MALFORMED]
    assert not taken
    fields = {re.split(r"[ \[]", what)[0] for what, _ in cases}
    assert len(cases) > 40 * len(fields)  # each was gone through in every way


# --- the server -------------------------------------------------------------------

AUTHORITY, APPROVAL = b"hallmark-object-v1", b"hallmark-approval-v1"
KINDS = {1: "product", 2: "release", 3: "order", 4: "credential", 5: "enrolment", 6: "command",
         7: "approval"}
# What the checks behind the form say to a message that was changed in a signed or counted
# place: possession, evidence, signature.
BEHIND = {4201, 4205, 4206, 4304}


class World:
    """A factory whose authority's key is ours, so that any object can be signed."""

    def __init__(self):
        self.factory = Factory(options="limits:\n  requests_per_s: 0\n")
        self.authority = new_key()
        self.factory.write("authority.pub", self.authority.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        self.factory.start()
        self.planner, self.bench = (self.factory.client(n) for n in ("planner", "BENCH"))
        for name, role in (("planner", 2), ("BENCH", 1), ("alice", 4), ("bob", 4)):
            self.bring(4, {1: name, 2: role, 3: point_of(self.factory.key(name).public_key()),
                           4: "", 5: 2**40})
        self.factory.image = sha256(b"an image")
        product = self.bring(1, {1: "soft", 2: 1, 3: 1, 4: 3, 5: [], 6: None, 7: 1, 8: True,
                                 9: "Test OEM", 10: bytes.fromhex("2b06010401"), 11: [],
                                 12: None, 13: None})
        release = self.bring(2, {1: "soft-1", 2: "soft", 3: 2, 4: 1, 5: [self.image()], 6: 0,
                                 7: [], 8: None})
        for name in APPROVERS:
            self.planner.post("/v1/object", self.approval(name, release))
        self.release = release
        self.order = "PO-1"
        self.bring(3, {1: self.order, 2: product, 3: release, 4: 2, 5: 50, 6: 10, 7: "T-", 8: 1,
                       9: 6, 10: None, 11: ["BENCH"], 12: 1, 13: 2**40, 14: 86400})
        self.device = soft(self.factory)
        issued = self.bench.issue(self.order, self.device.evidence(
            self.bench.challenge(self.order)))
        self.device.take(cbor2.loads(issued)[1], self.factory.stamp_key)

    def object(self, kind, body):
        return {0: 1, 1: kind, 2: 1700000000, 3: body}

    def image(self):
        return {1: "app", 2: "raw", 3: "", 4: "", 5: self.factory.image, 6: 8, 7: None, 8: None}

    def approval(self, name, release):
        key = self.factory.key(name)
        return sign1(key, APPROVAL, cbor(self.object(7, {1: release, 2: name})), kid_of(key))

    def bring(self, kind, body):
        message = sign1(self.authority, AUTHORITY, cbor(self.object(kind, body)))
        self.planner.post("/v1/object", message)
        return sha256(message)

    def state(self):
        """All rows of all tables, but for what the keeper notes of its own time."""
        with contextlib.closing(sqlite3.connect(
                f"file:{self.factory.path('state/hallmark.db')}?mode=ro", uri=True)) as db:
            tables = [row[0] for row in db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
            return {table: sha256(repr(db.execute(
                f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()).encode())
                for table in tables}


@pytest.fixture(scope="module")
def world():
    made = World()
    yield made
    made.factory.close()


def content_of(data):
    """What is in an encoded byte string; as it is if it is none any more."""
    with contextlib.suppress(cbor2.CBORDecodeError, ValueError, OverflowError, MemoryError):
        value = cbor2.loads(data)
        if isinstance(value, bytes):
            return value
    return data


def signed(key, aad):
    """Signs a sign1 again when its headers or payload were changed."""
    def seal(parts, changed):
        if changed in (0, 2):
            message = cbor(["Signature1", content_of(parts[0]), aad, content_of(parts[2])])
            parts[3] = string(sign(key, message))
    return seal


def proven(device):
    """Signs claims as chip and device do, and scheme evidence as the device."""
    def seal(parts, changed):
        if changed == 1:
            binding = sha256(b"hallmark-binding-v1" + content_of(parts[1]))
            parts[2] = string(cbor(device.prove(binding)))
        if changed in (1, 2):
            parts[3] = string(sign(device.identity, b"hallmark-possession-v1"
                                   + content_of(parts[1]) + content_of(parts[2])))
    return seal


def goes_nowhere(world, client, path, cases, good=None):
    """Each case is refused in the one form, and nothing is changed by any of them."""
    before, said = world.state(), collections.Counter()
    for what, data in cases:
        refused = client.refusal("POST", path, data, "application/cbor")
        assert 400 <= refused.status < 500, what
        assert refused.error in MALFORMED | BEHIND, (what, refused)
        said[refused.error] += 1
    assert world.state() == before
    print(path, dict(said))
    # It is the form that most are refused for, not what would be behind it.
    assert said[5201] > 9 * sum(said[e] for e in BEHIND)
    if good is not None:
        client.post(path, good)


def test_challenge_requests(world):
    good = {0: 1, 1: world.order}
    goes_nowhere(world, world.bench, "/v1/challenge",
                 Walker().cases(RULES["challenge-request"], good, "challenge-request"),
                 cbor(good))


def test_issue_requests(world):
    device = soft(world.factory)
    evidence = device.evidence(world.bench.challenge(world.order))
    good = {0: 1, 1: world.order, 2: "A1", 3: evidence}
    walker = Walker(seals={"evidence": proven(device)})
    goes_nowhere(world, world.bench, "/v1/issue",
                 walker.cases(RULES["issue-request"], good, "issue-request"))
    # The device is still unknown, and can be made.
    make_device(world.bench, world.factory, world.order, device)


def test_confirm_requests(world):
    device = world.device
    good = {0: 1, 1: world.order, 2: device.conformance()}
    walker = Walker({"confirm-request.2": RULES["sign1"],
                     "confirm-request.2/[2]": RULES["conformance"]},
                    {"sign1": signed(device.identity, b"hallmark-conformance-v1")})
    goes_nowhere(world, world.bench, "/v1/confirm",
                 walker.cases(RULES["confirm-request"], good, "confirm-request"))


def test_voids(world):
    key = world.factory.key("BENCH")
    said = {0: 1, 1: world.order, 2: world.device.id, 3: "scratched", 4: 1}
    good = cbor2.loads(sign1(key, b"hallmark-void-v1", cbor(said)))
    walker = Walker({"sign1[2]": RULES["void"]},
                    {"sign1": signed(key, b"hallmark-void-v1")})
    goes_nowhere(world, world.bench, "/v1/void", walker.cases(RULES["sign1"], good, "sign1"))


def objects(world):
    point = point_of(new_key().public_key())
    digests = b"".join(sorted(os.urandom(32) for _ in range(3)))
    return {
        "product": {1: "thermo", 2: 1, 3: 2, 4: 1, 5: [point], 6: bytes(32), 7: 1, 8: False,
                    9: "ACME", 10: b"\x2b\6\1\4\1",
                    11: [["disk", 1, 32, b""], ["code", 2, 8, b""], ["fleet", 3, 0, b"label"]],
                    12: b"config", 13: os.urandom(32)},
        "release": {1: "thermo-2", 2: "soft", 3: 2, 4: 2,
                    5: [world.image(), {1: "net", 2: "mcuboot", 3: "1.2+3", 4: "slot1",
                        5: os.urandom(32), 6: 2**33, 7: 2, 8: os.urandom(32)}],
                    6: 1, 7: [{1: "bom", 2: "application/spdx+json", 3: os.urandom(32), 4: 99}],
                    8: None},
        "order": {1: "PO-9", 2: os.urandom(32), 3: os.urandom(32), 4: 2, 5: 10, 6: 1, 7: "Q-",
                  8: 1, 9: 6, 10: bytes.fromhex("7cacb2770000"), 11: ["BENCH", "OTHER"],
                  12: 1, 13: 2, 14: 60},
        "credential": {1: "NEW", 2: 3, 3: point, 4: "hall 2", 5: 2**33},
        "enrolment": {1: "soft", 2: digests},
        "command": {1: 2, 2: world.device.id.hex(), 3: "a test", 4: os.urandom(16)},
        "approval": {1: world.release, 2: "alice"},
    }


@pytest.mark.parametrize("name", KINDS.values())
def test_objects(world, name):
    kind = next(k for k, v in KINDS.items() if v == name)
    payload = cbor(world.object(kind, objects(world)[name]))
    key, aad, kid = world.authority, AUTHORITY, None
    if name == "approval":
        key, aad = world.factory.key("alice"), APPROVAL
        kid = kid_of(key)
    good = cbor2.loads(sign1(key, aad, payload, kid))
    walker = Walker({"sign1[2]": RULES[name + "-object"]}, {"sign1": signed(key, aad)})
    goes_nowhere(world, world.planner, "/v1/object",
                 walker.cases(RULES["sign1"], good, "sign1"))


# --- a device ---------------------------------------------------------------------

LINK_MAX = 20480


def device_refuses(slot, kind, cases, state):
    """A problem for each, and the device is where it was. What is longer than any message may
    be dropped in silence; then the next question is answered."""
    said = collections.Counter()
    for what, data in cases:
        message = data if kind is None else cbor([kind, data])
        slot.say(message)
        if len(message) > LINK_MAX:
            slot.say(cbor([HELLO, None]))
        answered, body = slot.hear()
        if len(message) > LINK_MAX:
            if answered == PROBLEM:
                answered, _ = slot.hear()
            assert answered == INFO, what
            continue
        assert answered == PROBLEM, what
        assert (problem := cbor2.loads(body)).keys() == {0, 1, 2} and cbor(problem) == body
        said[problem[1]] += 1
    assert said[5201] > 0.9 * sum(said.values()), said
    print(kind, dict(said))
    info = cbor2.loads(slot.ask(HELLO)[1])
    assert info[2] == state


def test_a_device(world):
    """Challenge, stamp, receipt and the link around them; the stamp key that the device pins is
    ours, so that what it says is believed."""
    factory, key = world.factory, new_key()
    factory.write("image.bin", b"an image")
    factory.write("ours.pub", key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    chip = factory.path("chip")
    factory.run(VDEVICE, "fab", "--dir", chip, "--firmware", "image.bin", "--stamp-key",
                "ours.pub", "--counter", "1", "--scheme", "soft")
    slot = Slot(factory.path("slot"))
    slot.insert(VDEVICE, chip)
    try:
        assert slot.ask(HELLO)[0] == INFO
        good = world.bench.challenge(world.order)
        device_refuses(slot, None, Walker(descend=False).cases(
            RULES["link-full"], [CHALLENGE, good], "link-full"), 0)
        device_refuses(slot, CHALLENGE, Walker().cases(
            RULES["challenge"], cbor2.loads(good), "challenge"), 0)
        answered, evidence = slot.ask(CHALLENGE, good)
        assert answered == EVIDENCE
        payload = cbor2.loads(cbor2.loads(world.bench.issue(world.order, evidence))[1]).value[2]
        stamp = sign1(key, b"hallmark-stamp-v1", payload)
        walker = Walker({"sign1[2]": RULES["stamp"]}, {"sign1": signed(
            key, b"hallmark-stamp-v1")})
        device_refuses(slot, STAMP, walker.cases(
            RULES["sign1"], cbor2.loads(stamp), "sign1"), 1)
        answered, conformance = slot.ask(STAMP, stamp)
        assert answered == CONFORMANCE
        with contextlib.suppress(Exception):
            world.bench.confirm(world.order, conformance)  # of a stamp that was not its
        receipt = {0: 1, 1: b"an entry", 2: "a receipt"}
        device_refuses(slot, RECEIPT, Walker().cases(
            RULES["entry-answer"], receipt, "entry-answer"), 2)
        assert slot.ask(RECEIPT, cbor(receipt))[0] == DONE
    finally:
        slot.remove()
        slot.close()


# --- around a message: the head of a request --------------------------------------

def heads(body):
    """(what is wrong, bytes) of a request whose every part is spoilt in turn."""
    line = {"method": "POST", "path": "/v1/challenge", "version": "HTTP/1.1"}
    fields = {"Host": "x", "Content-Length": str(len(body)), "Content-Type": "application/cbor"}

    def whole(line, fields, end="\r\n"):
        return " ".join(line).encode() + end.encode() + "".join(
            f"{k}:{v}{end}" for k, v in fields).encode("latin-1") + end.encode() + body
    right = [(k, " " + v) for k, v in fields.items()]
    for i, (name, value) in enumerate(line.items()):
        parts = list(line.values())
        for what, other in (("missing", []), ("empty", [""]), ("twice", [value, value]),
                            ("in the other case", [value.swapcase()]),
                            ("too long", [value + "a" * 600]), ("huge", [value + "a" * 9000]),
                            ("with NUL", [value + "\0"]), ("with a space", [value + " x"]),
                            ("with a tab", ["\t" + value]), ("with a CR", [value + "\r"]),
                            ("another", [value[:-1] + "9"])):
            yield f"{name} {what}", whole(parts[:i] + other + parts[i + 1:], right)
    for i, (name, value) in enumerate(right):
        for what, other in (
                ("missing", []), ("twice", [(name, value)] * 2),
                ("twice, once empty", [(name, value), (name, "")]),
                ("twice in two cases", [(name, value), (name.lower(), value)]),
                ("a list", [(name, f"{value},{value}")]), ("empty", [(name, "")]),
                ("of blanks", [(name, " \t ")]), ("folded", [(name, "\r\n" + value)]),
                ("too long", [(name, value + "1" * 600)]), ("huge", [(name, value + "1" * 9000)]),
                ("with NUL", [(name, value + "\0")]), ("with a CR", [(name, value + "\rX: y")]),
                ("with a byte beyond ASCII", [(name, value + "\xe9")]),
                ("with a space before the colon", [(name + " ", value)]),
                ("without a colon", [(name + value + "\r\nX", "y")])):
            if name == "Host" and what in ("a list", "empty", "of blanks", "too long"):
                continue  # we are asked by address; whatever the name is, it is not used
            yield f"{name} {what}", whole(line.values(), right[:i] + other + right[i + 1:])
    for name, value in (("Transfer-Encoding", " chunked"), ("Expect", " 100-continue"),
                        ("Upgrade", " h2c"), ("", " x"), ("X\0", " x"), ("X" * 9000, " x"),
                        ("X", " " + "x" * 9000)):
        yield f"with {name[:20]!r}", whole(line.values(), right + [(name, value)])
    yield "70 fields", whole(line.values(), right + [("X", " y")] * 70)
    yield "LF alone", whole(line.values(), right, "\n")
    for more in -1, 1:
        wrong = [(k, f" {len(body) + more}" if k == "Content-Length" else v) for k, v in right]
        yield f"a length wrong by {more}", whole(line.values(), wrong)
    for value in "-1", "+1", "0x9", "1e1", "9" * 30, "257", str(2**32 + len(body)), str(2**64):
        wrong = [(k, " " + value if k == "Content-Length" else v) for k, v in right]
        yield f"a length of {value}", whole(line.values(), wrong)


def test_heads_of_requests(world):
    """A status of 4xx with a problem, and the end of the connection; or, where a body is said
    to be longer than it is, nothing at all."""
    before, said = world.state(), collections.Counter()
    good = cbor({0: 1, 1: world.order})
    for what, data in heads(good):
        world.bench.connect()
        with world.bench.connection.sock as s:
            s.sendall(data)
            if what in ("a length wrong by 1",):
                s.unwrap()
                continue
            answer = b""
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                while b"\r\n\r\n" not in answer and (got := s.recv(65536)):
                    answer += got
                head, _, body = answer.partition(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                while len(body) < length:
                    body += s.recv(65536)
        assert re.match(rb"HTTP/1.1 4\d\d ", answer), (what, answer)
        problem = cbor2.loads(body)
        assert cbor(problem) == body and problem.keys() == {0, 1, 2}, what
        assert problem[1] in (5105, 5106, 5201, 5202), (what, problem)
        said[problem[1]] += 1
    world.bench.connection = None
    assert world.state() == before
    assert said[5106] > 50
    print(dict(said))
    world.bench.challenge(world.order)


def test_the_server_serves_and_its_record_is_consistent(world):
    world.bench.confirm(world.order, world.device.conformance())
    make_device(world.bench, world.factory, world.order, soft(world.factory))
    assert world.factory.audit()["consistent"]
