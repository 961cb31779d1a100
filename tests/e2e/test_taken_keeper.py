# SPDX-License-Identifier: Apache-2.0
"""A keeper in the hands of an attacker, beside a real signer and real fronts

It has the channel to the signer and those to the fronts, the database and the ledger. The
signer issues for objects of the authority only, numbers no device beyond an order, seals for
evidence of enrolled hardware only, and composes every byte that it signs.
"""
import os, random, struct, time

import cbor2, pytest
from cryptography import x509

from counterpart import IMX_MP, OBJECT, Device, cbor, flip, hpke_open, kid_of, new_key, open1, \
    point_of, sha256, sign1
from line import SECRETS, make_device, until
from taken import Gone, TakenFactory, case_of, published

SEED = int(os.environ.get("SEED", "20262"))
ASKS = int(os.environ.get("ASKS", "800"))  # of noise
QUOTA, NO_ORDER, BAD_INPUT, CLOCK = 6101, 6110, 5201, 8101
APPROVALS = 6120
EVIDENCE, EVIDENCE_KEY, SIGNATURE, NOT_FOUND = 4201, 4202, 4304, 7201
ORDER_QUOTA, ORDER_RETURNS = 3, 2
REVOKED = 32  # room for one struct ca_revoked, at least


class World:
    def __init__(self):
        factory = self.factory = TakenFactory()
        factory.start()
        for name, role in ("planner", "planner"), ("auditor", "auditor"), ("BENCH", "station"):
            factory.register(name, role)
        factory.product("thermo", "imx-mp", "enrolled", secrets_yaml=SECRETS)
        self.image = factory.release("thermo-1", "thermo", image=b"firmware of a thermometer")
        self.chips = [Device(IMX_MP, self.image) for _ in range(4)]
        factory.enrol("thermo", *(point_of(chip.evidence_key.public_key()).hex()
                                  for chip in self.chips))
        self.order = factory.order("thermo", "thermo-1", quota=ORDER_QUOTA,
                                   returns=ORDER_RETURNS)
        self.objects = published(factory).of(OBJECT)
        self.kinds = {open_object(message)[1]: message for message in self.objects}
        self.order_digest = sha256(self.kinds[3])
        self.keeper, self.received = None, []

    def seize(self):
        """A keeper that is ours, beside a signer that knows nothing yet."""
        self.let_go()
        self.keeper = self.factory.seize("keeper")
        until(lambda: "signer" in self.factory.processes().values(), "a signer is there")
        return self.keeper

    def let_go(self):
        if self.keeper is not None:
            for channel in self.keeper.channels:
                self.received += channel.received
            self.factory.let_go(self.keeper)
            self.keeper = None

    def load(self, signer, kinds=(1, 2, 3, 4, 5, 7)):
        """What an honest keeper loads; of credentials those of approvers."""
        for message in self.objects:
            content = open_object(message)
            if content[1] in kinds and (content[1] != 4 or content[3][2] == 4):
                assert signer.ask("load", message).error == 0

    def issue(self, chip, number=0, **more):
        chip.order = self.order
        return {"order": self.order_digest, "number": number, "issued_s": int(time.time()),
                **case_of(chip, os.urandom(32)), **more}


def open_object(message):
    return cbor2.loads(cbor2.loads(message).value[2])


@pytest.fixture(scope="module")
def world():
    made = World()
    yield made
    made.let_go()
    made.factory.close()


@pytest.fixture
def signer(world):
    """The way to a real signer that was told everything a keeper may tell it."""
    if world.keeper is None:
        world.load(world.seize().channel)
    yield world.keeper.channel
    try:
        if world.keeper is not None:
            assert world.keeper.channel.ask("hello").error == 0
    except (Gone, OSError):
        world.let_go()


def test_it_cannot_number_beyond_the_order(world, signer):
    last = ORDER_QUOTA + ORDER_RETURNS - 1
    for number, error in ((last, 0), (last + 1, QUOTA), (1 << 31, QUOTA), (2 ** 32 - 1, QUOTA)):
        answer = signer.ask("sign issue", **world.issue(world.chips[0], number))
        assert answer.error == error
        assert bool(answer.tail) == (error == 0)


def test_it_cannot_invent_an_order(world, signer):
    for digest in (bytes(32), os.urandom(32), sha256(world.kinds[1]), sha256(world.kinds[2])):
        fields = world.issue(world.chips[0], order=digest)
        assert signer.ask("sign issue", **fields).error == NO_ORDER
    order = open_object(world.kinds[3])
    assert ORDER_QUOTA in order.values() or any(
        isinstance(v, dict) and ORDER_QUOTA in v.values() for v in order.values())
    for message in (sign1(new_key(), b"hallmark-object-v1", cbor(order)),
                    sign1(world.factory.key("planner"), b"hallmark-object-v1", cbor(order))):
        assert signer.ask("load", message).error == SIGNATURE
        fields = world.issue(world.chips[0], order=sha256(message))
        assert signer.ask("sign issue", **fields).error == NO_ORDER


def test_it_cannot_do_without_approvals(world):
    """A signer that was told everything but approvals, one by one."""
    factory = world.factory
    release, approval = sha256(world.kinds[2]), world.kinds[7]
    fields = world.issue(world.chips[0])
    signer = world.seize().channel
    world.load(signer, (1, 2, 3, 5))

    def refused():
        return signer.ask("sign issue", **fields).error == APPROVALS

    assert refused()
    for key in new_key(), factory.key("planner"), factory.key("alice"):
        # nobody is an approver yet, not even alice
        forged = sign1(key, b"hallmark-approval-v1", cbor(open_object(approval)), kid_of(key))
        assert signer.ask("load", forged).error == SIGNATURE
    world.load(signer, (4,))
    alice, bob = factory.key("alice"), factory.key("bob")

    def approve(key, name, aad=b"hallmark-approval-v1"):
        said = {0: 1, 1: 7, 2: 1700000000, 3: {1: release, 2: name}}
        return signer.ask("load", sign1(key, aad, cbor(said), kid_of(key))).error

    assert approve(alice, "alice") == approve(alice, "alice") == 0  # one person, two signatures
    assert approve(alice, "bob") == BAD_INPUT
    assert approve(bob, "bob", b"hallmark-object-v1") == SIGNATURE
    assert refused()
    assert approve(bob, "bob") == 0
    assert signer.ask("sign issue", **fields).error == 0
    world.let_go()


def test_it_cannot_change_an_object(world, signer):
    rng = random.Random(SEED)
    for message in world.kinds.values():
        for at in rng.sample(range(len(message)), 40):
            assert signer.ask("load", flip(message, at)).error in (SIGNATURE, BAD_INPUT)
        assert signer.ask("load", message[:-1]).error == BAD_INPUT
        assert signer.ask("load", message + b"\0").error == BAD_INPUT
    assert signer.ask("load", b"").error == BAD_INPUT


def test_it_cannot_have_secrets_sealed_for_itself(world, signer):
    """Not by altered evidence, and not by evidence of a chip of its own, which nobody
    enrolled: the keeper's word for it is not taken."""
    point = point_of(new_key().public_key())
    for lie in ({"kase.claims.kem": point}, {"kase.claims.identity": point},
                {"kase.claims.device_id": os.urandom(32)},
                {"kase.proof.imx_mp.signature": os.urandom(64)}):
        answer = signer.ask("sign issue", **world.issue(world.chips[0]) | lie)
        assert answer.error == EVIDENCE and not answer.tail
    mine = Device(IMX_MP, world.image)
    answer = signer.ask("sign issue", **world.issue(mine))
    assert answer.error == EVIDENCE_KEY and not answer.tail
    listed = open_object(world.kinds[5])
    forged = sign1(new_key(), b"hallmark-object-v1", cbor(listed))
    assert signer.ask("load", forged).error == SIGNATURE
    assert signer.ask("sign issue", **world.issue(mine)).error == EVIDENCE_KEY


def test_it_cannot_choose_the_time(world, signer):
    now = int(time.time())
    for at in (0, 1, now - 86400, now + 86400, 2 ** 63, 2 ** 64 - 1):
        answer = signer.ask("sign issue", **world.issue(world.chips[0], issued_s=at))
        assert answer.error == CLOCK and not answer.tail


@pytest.mark.parametrize("lie", [
    {"kase.claims.scheme": 0}, {"kase.claims.scheme": 0xffffffff}, {"kase.claims.scheme": 1},
    {"kase.claims.lock": 0}, {"kase.claims.lock": 3}, {"kase.claims.lock": 0x80000000},
    {"kase.claims.kem": bytes(65)}, {"kase.claims.identity": bytes(65)},
    {"kase.claims.identity": b"\4" + bytes(64)}, {"kase.proof.imx_mp.key": bytes(64)}])
def test_values_out_of_their_range(world, signer, lie):
    pid = world.factory.pid_of("signer")
    answer = signer.ask("sign issue", **world.issue(world.chips[0]) | lie)
    assert answer.error != 0 and not answer.tail
    assert world.factory.pid_of("signer") == pid


def test_the_same_ask_again(world, signer):
    """Once more a certificate of the same device, of the order's number, with secrets for the
    device alone: what was answered before is worth no more."""
    fields, seen = world.issue(world.chips[1], 1), set()
    for _ in range(5):
        answer = signer.ask("sign issue", **fields)
        assert answer.error == 0
        content, _ = world.chips[1].take(answer.tail, world.factory.stamp_key)
        certificate = x509.load_der_x509_certificate(content[9])
        assert point_of(certificate.public_key()) == point_of(
            world.chips[1].identity.public_key())
        seen.add((content[7], content[2], content[5]))
        info = b"hallmark-seal-v1" + content[1].encode() + b"\0" + content[2] + content[3]
        with pytest.raises(Exception):
            hpke_open(new_key(), content[11], info, cbor(
                ["hallmark-secrets-v1", content[2], content[7]]), content[12])
    assert len(seen) == 1


def test_it_has_no_words_of_its_own_signed(world, signer):
    """A checkpoint is the log's own name, a size and a root, and no line besides. (Which size
    and root is the keeper's word: two of one size are found by comparing them.)"""
    text = b"\n\nother.example/log\n1\n"
    for size, root in ((10, os.urandom(32)), (1 << 40, os.urandom(32)),
                       (12, text + bytes(32 - len(text)))):
        answer = signer.ask("sign checkpoint", size=size, root=root)
        assert answer.error == 0
        assert answer.tail.count(b"\n") == 5
        assert world.factory.log.checkpoint(answer.tail.decode()) == (size, root)


def test_lists_in_parts_that_do_not_fit(world, signer):
    now = int(time.time())
    good = dict(number=1, this_update_s=now, next_update_s=now + 86400)
    for tail, part, parts in ((b"", 1, 2), (b"", 0, 0), (b"", 5, 3), (bytes(7), 0, 1),
                              (b"", 2 ** 32 - 1, 2 ** 32 - 1)):
        assert signer.ask("sign crl", tail, **good, part=part, parts=parts).error == BAD_INPUT
    assert signer.ask("sign crl", b"", **good, part=0, parts=2).error == 0
    assert signer.ask("sign crl", b"", **good, part=0, parts=2).error == 0  # begun anew
    assert signer.ask("sign crl", b"", **good, part=2, parts=3).error == BAD_INPUT
    answer = signer.ask("sign crl", b"", **good, part=0, parts=1)
    assert answer.error == 0
    issuer = x509.load_pem_x509_certificate(world.factory.read("factory.pem"))
    crl = x509.load_der_x509_crl(answer.tail)
    assert crl.is_signature_valid(issuer.public_key()) and len(list(crl)) == 0
    assert signer.ask("sign crl rest", offset=2 ** 64 - 1).error == BAD_INPUT
    junk = signer.ask("sign crl", os.urandom(960), **good, part=0, parts=1)
    if junk.error == 0:  # whatever is in it, it is a list of revoked certificates
        x509.load_der_x509_crl(junk.tail)


def test_asks_before_it_was_told_anything(world):
    """A signer that knows no object issues for none, and takes no order before its product."""
    world.let_go()
    signer = world.seize().channel
    assert signer.ask("sign issue", **world.issue(world.chips[0])).error == NO_ORDER
    assert signer.ask("load", world.kinds[3]).error == NOT_FOUND
    station = next(m for m in world.objects if open_object(m)[1] == 4
                   and open_object(m)[3][2] == 1)
    assert signer.ask("load", station).error == BAD_INPUT  # the credential of no approver
    world.load(signer)
    assert signer.ask("sign issue", **world.issue(world.chips[0])).error == 0
    world.let_go()


@pytest.mark.parametrize("name", ["front's", "short", "unknown", "error", "large"])
def test_who_breaks_the_rules_ends_the_signer(world, signer, name):
    head = signer.layout.sizes["ask_head"]
    pid = world.factory.pid_of("signer")
    signer.send({
        "front's": lambda: signer.message("health"), "short": lambda: signer.message("hello")[:-1],
        "unknown": lambda: signer.frame(99, b""), "error": lambda: signer.frame(32, b"", err=7),
        "large": lambda: bytes(ASK_MAX + head)}[name]())
    assert signer.is_gone()
    until(lambda: pid not in world.factory.processes(), "the signer has ended")
    world.let_go()


ASK_MAX = 65536


def test_noise_by_a_seed(world, signer):
    rng, pid = random.Random(SEED), world.factory.pid_of("signer")
    print(f"SEED={SEED}")
    head, rules = signer.layout.sizes["ask_head"], [
        rule for rule in signer.layout.rules.values() if rule.by == 2]
    for number in range(ASKS):
        rule = rng.choice(rules)
        tail = rng.randbytes(rng.randrange(min(rule.request_tail, 600) + 1))
        if rule.name == "sign issue" and rng.random() < .9:
            body = bytearray(signer.message("sign issue", **world.issue(world.chips[2]))[head:])
            for _ in range(rng.randrange(1, 4)):
                body[rng.randrange(len(body))] = rng.choice([0, 1, 0x7f, 0x80, 0xff])
        else:
            body = bytearray(rng.randbytes(rule.request))
        if rule.name == "sign checkpoint":
            body[:8] = struct.pack("=Q", rng.randrange(1 << 20))
        signer.send(signer.frame(rule.kind, bytes(body) + tail, len(tail), number))
        answer = signer.receive()
        assert answer.id == number
        if rule.name == "sign issue" and answer.error == 0:
            content = open1(world.factory.stamp_key, b"hallmark-stamp-v1", answer.tail)
            assert content[1] == world.order and content[2] == world.chips[2].id
    assert world.factory.pid_of("signer") == pid


def test_fronts_survive_what_a_keeper_answers(world):
    """Answers to nothing, of other lengths, of other kinds: a front ends or goes on, and no
    client gets a stamp that the signer did not make."""
    for lie in ("no such ask", "a length beyond the tail", "junk"):
        world.let_go()
        front = world.seize().channels[1]
        message = {"no such ask": front.frame(12, bytes(16), ident=77),
                   "a length beyond the tail": front.frame(3, struct.pack("=3I", 1 << 31, 5, 5)),
                   "junk": os.urandom(500)}[lie]
        front.send(message)
        assert front.is_gone(), lie
    world.let_go()


def test_the_server_is_itself_again(world):
    """With the real keeper back, counts and ledger are what they were: it wrote nothing."""
    world.let_go()
    factory = world.factory
    factory.wait_ready()
    counts = factory.client("planner").json("/v1/order/" + world.order)
    assert (counts["used"], counts["reserved"]) == (0, 0)
    make_device(factory.client("BENCH"), factory, world.order, world.chips[3])
    assert len(published(factory).of(OBJECT)) == len(world.objects)
    haystack = b"\n".join(world.received)
    for name in "pin", "so-pin":
        assert factory.read(name) not in haystack
    assert factory.fleet_key not in haystack
    assert factory.audit()["consistent"]
    for fault in b"AddressSanitizer", b"runtime error":
        assert fault not in factory.read("hallmarkd.log")
