# SPDX-License-Identifier: Apache-2.0
"""A front in the hands of an attacker, in a server whose other processes are the real ones

The attacker has the front's channel to the keeper and the nonce key, and sends what it likes.
After each attack: no order is exceeded, counts and ledger agree, the keeper either works on
or was started again, and a station at the other front can work. In the end nothing that the
attacker ever received holds a secret.
"""
import os, random, threading, time

import cbor2, pytest
from cryptography.exceptions import InvalidSignature, InvalidTag

from counterpart import (IMX_MP, ISSUE, OBJECT, Device, cbor, flip, hpke_open, new_key, open1, point_of,
                         sha256, sign, sign1)
from line import DEADLINE_S, SECRETS, Refused, make_device, until
from taken import Gone, TakenFactory, case_of, memory_of, published

SEED = int(os.environ.get("SEED", "20261"))
ASKS = int(os.environ.get("ASKS", "3000"))  # of noise
QUOTA, BAD_INPUT, NOT_FOUND, NO_ORDER = 6101, 5201, 7201, 6110
EVIDENCE, EVIDENCE_KEY, NONCE_STALE, SIGNATURE = 4201, 4202, 4208, 4304
RIGHTS, STRANGER, NOT_IN_ORDER, ALREADY_MADE = 6201, 6202, 6112, 2202
ENTRIES, CHECKPOINT = 64, 255  # levels of files
KEEPER_MEMORY = 160 << 20  # what it may grow to under a flood, sanitizers included
BOUNDED_S = 20             # a station has an answer, if only a refusal, within


class World:
    def __init__(self):
        factory = self.factory = TakenFactory()
        factory.start()
        for name, role in ("planner", "planner"), ("auditor", "auditor"), ("BENCH", "station"):
            factory.register(name, role)
        factory.station("OTHER")
        factory.product("plain", extra="  soft_in_prod: true\n")
        self.plain = factory.release("plain-1", "plain")
        factory.product("thermo", "imx-mp", "enrolled", secrets_yaml=SECRETS)
        self.thermo = factory.release("thermo-1", "thermo", image=b"firmware of a thermometer")
        self.points = {name: point_of(factory.key(name).public_key())
                       for name in ("planner", "auditor", "BENCH", "OTHER")}
        self.points["stranger"] = point_of(new_key().public_key())
        self.orders, self.chips = {}, []
        for name, product, quota in (("storm", "plain", 5), ("race", "plain", 16),
                                     ("play", "plain", 200), ("flood", "plain", 400),
                                     ("sealed", "thermo", 20), ("noise", "plain", 3)):
            self.orders[name] = factory.order(product, product + "-1", quota=quota)
        self.quotas = {name: factory.client("planner").json("/v1/order/" + order)["quota"]
                       for name, order in self.orders.items()}
        for _ in range(12):
            self.chips.append(Device(IMX_MP, self.thermo))
        factory.enrol("thermo", *(point_of(chip.evidence_key.public_key()).hex()
                                  for chip in self.chips))
        self.front, self.received, self.secrets, self.stamps = None, [], {}, []

    def take_next(self):
        """The server starts all anew, with one front ours again."""
        self.let_go()
        self.front = self.factory.seat.taken()
        self.factory.wait_ready()

    def seize(self):
        self.let_go()
        self.front = self.factory.seize("front")
        self.factory.wait_ready()
        return self.front

    def let_go(self):
        if self.front is not None:
            self.received += self.front.channel.received
            self.factory.let_go(self.front)
            self.front = None

    def device(self):
        return Device(release=self.plain)

    def issue(self, device, order, peer="BENCH", **more):
        """The fields of an ask; the attacker says that the nonce is right."""
        return dict(peer=self.points[peer], order=self.orders[order], slot="A1",
                    **case_of(device, more.pop("nonce", os.urandom(32)), **more))

    def counts(self, order):
        return self.factory.client("planner").json("/v1/order/" + self.orders[order])

    def check(self):
        """What must be so after every attack."""
        self.factory.wait_ready()
        ledger = published(self.factory)
        issued = [entry[1] for entry in ledger.of(ISSUE)]
        for name, order in self.orders.items():
            counts = self.counts(name)
            assert counts["used"] + counts["reserved"] <= self.quotas[name], counts
            assert issued.count(order) == counts["used"], name

    def large(self):
        """A file of the ledger of some size."""
        folder = self.factory.path("state/ledger/tile/entries")
        size = 256
        if not os.path.exists(os.path.join(folder, "000")):
            size = max(int(name) for name in os.listdir(os.path.join(folder, "000.p")))
        return {"level": ENTRIES, "width": size, "index": 0}

    def make_one(self, order="play"):
        """A station at the real front makes a device."""
        make_device(self.factory.client("BENCH"), self.factory, self.orders[order],
                    self.device())


@pytest.fixture(scope="module")
def world():
    made = World()
    yield made
    made.let_go()
    made.factory.close()


@pytest.fixture
def front(world):
    """The channel of a front that is ours, to a keeper that works."""
    if world.front is None:
        world.seize()
    yield world.front.channel
    try:
        if world.front is not None:
            world.front.channel.ask("health")
    except (Gone, OSError):
        world.let_go()
    world.check()


# --- orders are not exceeded ------------------------------------------------------------

def test_a_storm_of_issues_stays_within_the_order(world, front):
    messages = [front.message("issue", **world.issue(world.device(), "storm"))
                for _ in range(80)]
    answers = front.storm(messages)
    assert sorted({answer.error for answer in answers}) == [0, QUOTA]
    assert sum(answer.error == 0 for answer in answers) == world.quotas["storm"]
    assert world.counts("storm")["used"] == world.quotas["storm"]


def test_both_fronts_race_for_the_last_units(world, front):
    """One lies and hurries, at the other stations work as always."""
    made, refused = [], []

    def honest():
        client = world.factory.client("BENCH")
        for _ in range(12):
            try:
                make_device(client, world.factory, world.orders["race"], world.device())
                made.append(1)
            except Refused as no:
                refused.append(no.error)
    threads = [threading.Thread(target=honest) for _ in range(2)]
    for thread in threads:
        thread.start()
    answers = front.storm([front.message("issue", **world.issue(world.device(), "race"))
                           for _ in range(40)])
    for thread in threads:
        thread.join(DEADLINE_S)
    stolen = sum(answer.error == 0 for answer in answers)
    assert {answer.error for answer in answers} | set(refused) <= {0, QUOTA}
    assert len(made) + stolen == world.counts("race")["used"] == world.quotas["race"]


def test_one_ask_many_times_is_one_device(world, front):
    fields, before = world.issue(world.device(), "play"), world.counts("play")["used"]
    answers = front.storm([front.message("issue", ident=7, **fields) for _ in range(60)])
    assert {answer.id for answer in answers} == {7}
    assert {answer.error for answer in answers} == {0}
    assert len({answer.parts(front.layout, "ask_issue_answer", "stamp_len", "entry_len",
                             "receipt_len")[0] for answer in answers}) == 1
    assert world.counts("play")["used"] == before + 1


def test_an_order_that_nobody_placed(world, front):
    """Objects of our own, under every signature that we can make."""
    for known in world.factory.ledger().of(OBJECT):
        payload = cbor2.loads(known).value[2]  # so the form of an object is no secret
        for message in (sign1(new_key(), b"hallmark-object-v1", payload),
                        sign1(world.factory.key("planner"), b"hallmark-object-v1", payload)):
            for peer in world.points.values():
                assert front.ask("object", message, peer=peer).error == SIGNATURE
    fields = world.issue(world.device(), "play")
    assert front.ask("issue", **dict(fields, order="PO-999")).error == NO_ORDER


def test_old_commands_again_change_nothing(world, front):
    """What the authority signed once is a leaf already: it is answered, not done again."""
    before, size = {n: world.counts(n) for n in world.orders}, len(world.factory.ledger().raw)
    for message in world.factory.ledger().of(OBJECT):
        answer = front.ask("object", message, peer=world.points["planner"])
        assert answer.error == 0
        assert front.ask("object", message, peer=world.points["stranger"]).error in (
            STRANGER, RIGHTS)
    assert {n: world.counts(n) for n in world.orders} == before
    assert len(world.factory.ledger().raw) == size


# --- nothing is sealed for, or signed about, what is not ----------------------------------

def test_evidence_with_keys_of_our_own(world, front):
    """Genuine evidence in which the attacker has put its own KEM or identity key."""
    mine, genuine = new_key(), world.chips[0]
    point = point_of(mine.public_key())
    for lie in ({"kase.claims.kem": point}, {"kase.claims.identity": point},
                {"kase.claims.kem": point, "kase.claims.identity": point},
                {"kase.claims.device_id": os.urandom(32)},
                {"kase.claims.nonce": os.urandom(32)},
                {"kase.claims.lock": 2}, {"kase.claims.counter": 2},
                {"kase.proof.imx_mp.signature": os.urandom(64)}):
        answer = front.ask("issue", **world.issue(genuine, "sealed", **lie))
        assert answer.error == EVIDENCE and not answer.tail
    assert world.counts("sealed")["used"] == world.counts("sealed")["reserved"] == 0


def test_evidence_of_a_chip_of_our_own(world, front):
    """All of it right, but nobody enrolled the key."""
    for scheme in (IMX_MP, 1):
        device = Device(scheme, world.thermo)
        answer = front.ask("issue", **world.issue(device, "sealed"))
        assert answer.error == (EVIDENCE_KEY if scheme == IMX_MP else 4205) and not answer.tail


def test_what_is_signed_follows_from_order_and_evidence(world, front):
    """Stamps of genuine chips: every field is the order's, the evidence's or the server's."""
    for chip in world.chips[1:7]:
        chip.order = world.orders["sealed"]
        answer = front.ask("issue", **world.issue(chip, "sealed"))
        assert answer.error == 0
        stamp, entry, receipt = answer.parts(front.layout, "ask_issue_answer", "stamp_len",
                                             "entry_len", "receipt_len")
        world.stamps.append(stamp)
        content, opened = chip.take(stamp, world.factory.stamp_key)
        assert content[5] == world.thermo and content[6] == chip.counter
        assert content[7].startswith("T") and content[15] == "test.example/log"
        world.factory.log.receipt(receipt.decode(), entry)
        said = cbor2.loads(entry)[3]
        assert said[1] == chip.order and said[2] == "BENCH" and said[4] == chip.id
        assert said[9] == chip.binding and said[12] == sha256(stamp)
        world.secrets |= {(chip.id, name): value for name, (_, value) in opened.items()}


def test_digests_in_the_ledger_are_not_ours_to_choose(world, front):
    """The keeper makes those of evidence and conformance again from what it verified."""
    device, nonce = world.device(), os.urandom(32)
    evidence = device.evidence(cbor({0: 1, 1: world.orders["play"], 2: nonce, 3: world.plain}))
    fields = world.issue(device, "play", nonce=nonce)
    outer = cbor2.loads(evidence)
    proof = cbor2.loads(outer[2])
    fields |= {"kase.possession": outer[3], "kase.proof.soft.signature": proof[2]}
    answer = front.ask("issue", **fields)
    stamp, entry, _ = answer.parts(front.layout, "ask_issue_answer", "stamp_len", "entry_len",
                                   "receipt_len")
    assert cbor2.loads(entry)[3][10] == sha256(evidence)
    device.stamp = stamp
    conformance = device.conformance()
    answer = front.ask("confirm", **confirm_of(world, device, "play", conformance))
    entry, _ = answer.parts(front.layout, "ask_entry_answer", "entry_len", "receipt_len")
    assert cbor2.loads(entry)[3][5] == sha256(conformance)


def confirm_of(world, device, order, conformance):
    said = cbor2.loads(cbor2.loads(conformance).value[2])
    return {"peer": world.points["BENCH"], "order": world.orders[order],
            "conformance.device_id": device.id, "conformance.stamp": said[2],
            "conformance.release": said[3], "conformance.counter": said[4],
            "conformance.lock": said[5], "signature": cbor2.loads(conformance).value[3]}


def test_confirmations_that_no_device_signed(world, front):
    device = world.device()
    answer = front.ask("issue", **world.issue(device, "play"))
    device.order = world.orders["play"]
    device.stamp = answer.parts(front.layout, "ask_issue_answer", "stamp_len", "entry_len",
                                "receipt_len")[0]
    good = confirm_of(world, device, "play", device.conformance())
    before = world.counts("play")["confirmed"]
    for lie, error in (({"signature": sign(new_key(), b"?")}, SIGNATURE),
                       ({"conformance.lock": 77}, BAD_INPUT), ({"conformance.lock": 2}, SIGNATURE),
                       ({"conformance.counter": 9}, SIGNATURE),
                       ({"conformance.stamp": os.urandom(32)}, 4210),
                       ({"conformance.device_id": os.urandom(32)}, NOT_FOUND),
                       ({"has_kid": 1, "kid": os.urandom(8)}, SIGNATURE),
                       ({"order": world.orders["race"]}, NOT_FOUND)):
        assert front.ask("confirm", **good | lie).error == error, lie
    assert world.counts("play")["confirmed"] == before
    assert front.ask("confirm", **good).error == 0
    assert front.ask("issue", **world.issue(device, "play")).error == ALREADY_MADE


# --- in the name of others ----------------------------------------------------------------

EVERYBODY = {"planner": 0, "auditor": 0, "BENCH": 0, "OTHER": 0, "stranger": STRANGER}
READERS = dict(EVERYBODY, BENCH=RIGHTS, OTHER=RIGHTS)
NAMED = dict(EVERYBODY, OTHER=NOT_IN_ORDER)
MAKERS = dict(NAMED, planner=RIGHTS, auditor=RIGHTS)
ROLES = [("peer", {}, EVERYBODY), ("crl", {}, EVERYBODY), ("file", {"level": CHECKPOINT}, EVERYBODY),
         ("file", {"level": ENTRIES, "width": 256, "index": 9},
          dict(READERS, planner=NOT_FOUND, auditor=NOT_FOUND)),
         ("order", {"order": "play"}, NAMED), ("challenge", {"order": "play"}, MAKERS),
         ("quarantine", {}, READERS),
         ("device", {"device_id": bytes(32)}, {n: NOT_FOUND if e == 0 else e
                                               for n, e in EVERYBODY.items()})]


@pytest.mark.parametrize("kind, fields, errors", ROLES)
def test_every_ask_in_the_name_of_everybody(world, front, kind, fields, errors):
    """A front can speak for whom it has seen: it gets what that one may, and no more."""
    if "order" in fields:
        fields = dict(fields, order=world.orders[fields["order"]])
    name = "key" if kind == "peer" else "peer"
    for who, error in errors.items():
        assert front.ask(kind, **fields, **{name: world.points[who]}).error == error, who
    for key in (bytes(65), b"\4" + bytes(64), flip(world.points["planner"], -1)):
        assert front.ask(kind, **fields, **{name: key}).error == STRANGER


@pytest.mark.parametrize("who", ["planner", "auditor", "OTHER", "stranger"])
def test_devices_in_the_name_of_who_makes_none(world, front, who):
    device = world.device()
    fields = world.issue(device, "play", peer=who)
    assert front.ask("issue", **fields).error == MAKERS[who]
    void = sign1(world.factory.key("OTHER"), b"hallmark-void-v1", cbor(
        {0: 1, 1: world.orders["play"], 2: device.id, 3: "why not", 4: 1}))
    assert front.ask("void", void, peer=world.points["BENCH"]).error == SIGNATURE
    assert front.ask("void", void, peer=world.points[who]).error in (MAKERS[who], NOT_IN_ORDER)


# --- lies about what the front decides itself ----------------------------------------------

def test_verdicts_that_no_front_gives(world, front):
    """An error of ours would become the answer: a breakdown would undo everybody's batch."""
    keeper = world.factory.pid_of("keeper")
    for verdict in [1, BAD_INPUT, QUOTA, 9002, 9003, 9004, 9005, 9006, 0x80000000, 0xffffffff]:
        fields = world.issue(world.device(), "play")
        assert front.ask("issue", nonce_verdict=verdict, **fields).error == BAD_INPUT
    assert front.ask("issue", nonce_verdict=NONCE_STALE,
                     **world.issue(world.device(), "play")).error == NONCE_STALE
    assert world.factory.pid_of("keeper") == keeper


@pytest.mark.parametrize("lie, error", [
    ({"kase.claims.scheme": 0}, 4205), ({"kase.claims.scheme": 3}, 4205),
    ({"kase.claims.scheme": 0xffffffff}, 4205), ({"kase.claims.scheme": IMX_MP}, 4205),
    ({"kase.claims.lock": 3}, BAD_INPUT), ({"kase.claims.lock": 0x80000000}, BAD_INPUT),
    ({"kase.claims.kem": bytes(65)}, 4303), ({"kase.claims.identity": bytes(65)}, 4303),
    ({"kase.claims.identity": b"\4" + bytes(64)}, EVIDENCE),
    ({"order": b"\xff" * 65}, BAD_INPUT), ({"order": b""}, BAD_INPUT),
    ({"slot": b"\xff" * 65}, BAD_INPUT), ({"order": b"A/../B"}, BAD_INPUT)])
def test_values_out_of_their_range(world, front, lie, error):
    keeper, used = world.factory.pid_of("keeper"), world.counts("play")["used"]
    fields = world.issue(world.device(), "play")
    room = {name: size for (of, name), (_, size) in front.layout.fields.items()
            if of == "ask_issue"}
    lie = {name: value[:room[name]] if isinstance(value, bytes) else value
           for name, value in lie.items()}
    assert front.ask("issue", **fields | lie).error == error
    assert world.factory.pid_of("keeper") == keeper
    assert world.counts("play")["used"] == used


def test_parts_beyond_every_end(world, front):
    peer, keeper = world.points["planner"], world.factory.pid_of("keeper")
    for level in (0, 1, ENTRIES, 65, CHECKPOINT, 256, 0xffffffff):
        for width in (0, 1, 256, 257, 0xffffffff):
            for index in (0, 1 << 40, 2 ** 64 - 1):
                for offset in (0, 1 << 32, 2 ** 64 - 1):
                    front.send(front.message("file", peer=peer, level=level, width=width,
                                             index=index, offset=offset))
                    assert front.receive().error in (0, BAD_INPUT, NOT_FOUND, 5105)
    assert front.ask("crl", peer=peer, offset=2 ** 64 - 1).error == BAD_INPUT
    assert front.ask("quarantine", peer=peer, after=2 ** 64 - 1).error == BAD_INPUT
    assert front.ask("device", peer=peer, serial=b"\xff" * 8).error == BAD_INPUT
    assert world.factory.pid_of("keeper") == keeper


# --- breaking the rules of the channel -------------------------------------------------------

def rule_breakers(front, world):
    issue = front.message("issue", **world.issue(world.device(), "play"))
    head = front.layout.sizes["ask_head"]
    yield "one byte short", issue[:-1]
    yield "one byte long", issue + b"\0"
    yield "a head alone", issue[:head]
    yield "a length that overflows", front.frame(3, issue[head:], length=0xffffffff)
    yield "an unknown kind", front.frame(99, b"")
    yield "an error in a request", front.frame(12, b"", err=1)
    yield "a tail beyond its limit", front.frame(5, bytes(65) + bytes(513), tail=513)
    yield "a datagram too large", bytes(70000)
    yield "an ask of the keeper", front.message("sign issue")
    yield "too many descriptors", (front.message("health"), [0] * 20)


BREAKERS = 10


@pytest.mark.parametrize("number", range(BREAKERS))
def test_who_breaks_the_rules_ends_the_keeper(world, front, number):
    """It does nothing of that batch; the parent starts all again, and stations go on."""
    breakers = list(rule_breakers(front, world))
    assert len(breakers) == BREAKERS
    name, message = breakers[number]
    used = world.counts("play")["used"]
    keeper = world.factory.pid_of("keeper")
    descriptors = ()
    if isinstance(message, tuple):
        message, descriptors = message
    world.factory.seat.take("front")
    front.send(message, descriptors)
    assert front.is_gone(), name
    until(lambda: keeper not in world.factory.processes(), name)
    world.take_next()
    assert world.counts("play")["used"] == used
    world.make_one()


def test_descriptors_come_to_nothing(world, front):
    """Those that come along are closed, so none is used and none is left."""
    keeper = world.factory.pid_of("keeper")
    before = len(os.listdir(f"/proc/{keeper}/fd"))
    with open("/dev/null", "rb") as nothing:
        for _ in range(500):
            front.send(front.message("health"), [nothing.fileno()] * 3)
            assert front.receive().error == 0
    assert len(os.listdir(f"/proc/{keeper}/fd")) == before
    assert world.factory.pid_of("keeper") == keeper


def test_an_end_without_a_word(world, front):
    """A front that hangs up is forgotten; the other one serves on."""
    world.front.channel.pipe.shutdown(2)
    world.make_one()
    world.make_one()


# --- floods ------------------------------------------------------------------------------

class Watcher:
    """Looks at the keeper's memory and at a station's answers while something goes on."""

    def __init__(self, world, order="flood"):
        self.world, self.order, self.most, self.slowest, self.made = world, order, 0, 0, 0
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.weigh), threading.Thread(target=self.work)]

    def weigh(self):
        while not self.stop.wait(0.05):
            for pid, role in self.world.factory.processes().items():
                if role == "keeper":
                    try:
                        self.most = max(self.most, memory_of(pid))
                    except OSError:
                        continue  # it has just ended

    def work(self):
        client = self.world.factory.client("BENCH")
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                make_device(client, self.world.factory, self.world.orders[self.order],
                            self.world.device())
                self.made += 1
            except (Refused, OSError):
                client = self.world.factory.client("BENCH")
            self.slowest = max(self.slowest, time.monotonic() - began)
            if self.made >= 150:
                return

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *failure):
        self.stop.set()
        for thread in self.threads:
            thread.join(DEADLINE_S)


def test_a_flood_that_nobody_reads(world, front):
    """Asks with large answers, none of them read: the keeper waits for so long and no longer,
    and holds no more than a batch."""
    ask = front.message("file", peer=world.points["planner"], **world.large())
    big = front.message("object", bytes(40000), peer=world.points["planner"])
    front.pipe.settimeout(BOUNDED_S)
    with Watcher(world) as watcher:
        sent = 0
        with pytest.raises((Gone, TimeoutError)) as ended:
            while True:
                front.send(big if sent % 3 == 0 else ask)
                sent += 1
        assert ended.type is Gone, "it was waited for without end"
        world.let_go()
        world.factory.wait_ready()
        until(lambda: watcher.made > 2, "a station makes devices again")
    print(f"{sent} asks, keeper {watcher.most >> 20} MiB, slowest {watcher.slowest:.1f} s")
    assert watcher.most < KEEPER_MEMORY
    assert watcher.slowest < BOUNDED_S


def test_who_reads_slowly_is_not_waited_for_without_end(world, front):
    """One answer in half a second would keep the keeper in a batch for minutes."""
    ask = front.message("file", peer=world.points["planner"], **world.large())
    front.pipe.settimeout(BOUNDED_S)
    done = threading.Event()

    def flood():
        try:
            while True:
                front.send(ask)
        except (Gone, OSError):
            done.set()
    writer = threading.Thread(target=flood)
    writer.start()
    began = time.monotonic()
    while not done.wait(0.5):
        try:
            front.receive()
        except Gone:
            break
        assert time.monotonic() - began < 3 * BOUNDED_S
    writer.join(DEADLINE_S)
    world.let_go()
    world.factory.wait_ready()
    world.make_one()


def test_a_flood_that_is_read_costs_the_keeper_no_memory(world, front):
    rounds, asks = 40, []
    for number in range(250):
        asks.append(front.message("object", bytes(30000), peer=world.points["planner"])
                    if number % 2 else front.message("file", peer=world.points["planner"],
                                                     **world.large()))
    with Watcher(world) as watcher:
        for _ in range(rounds):
            front.storm(asks)
    print(f"{rounds * len(asks)} asks, keeper {watcher.most >> 20} MiB, "
          f"{watcher.made} devices meanwhile, slowest {watcher.slowest:.1f} s")
    assert watcher.most < KEEPER_MEMORY
    assert watcher.made > 0 and watcher.slowest < BOUNDED_S


# --- at the wrong time --------------------------------------------------------------------

def test_asks_before_the_keeper_is_ready(world, front):
    """They wait in the channel; what is right is answered, and nothing else happens."""
    world.let_go()
    world.front = world.factory.seize("front")
    channel, device = world.front.channel, world.device()
    messages = [channel.message("issue", ident=n, **world.issue(device, "play"))
                for n in range(3)] + [channel.message("health", ident=9)]
    for message in messages:
        channel.send(message)
    world.factory.wait_ready()
    answers = [channel.receive() for _ in messages]
    assert [answer.error for answer in answers if answer.id == 9] == [0]
    assert 0 in [answer.error for answer in answers if answer.id < 9]


def test_half_conversations_in_any_order(world, front):
    """Steps of many devices, shuffled, some left out: none is confirmed without its issue."""
    rng, steps = random.Random(SEED), []
    devices = [world.device() for _ in range(20)]
    issued = {device.id: front.ask("issue", **world.issue(device, "play"))
              for device in devices[:10]}
    for device in devices:
        device.order = world.orders["play"]
        device.stamp = os.urandom(300)
        if device.id in issued:
            device.stamp = issued[device.id].parts(
                front.layout, "ask_issue_answer", "stamp_len", "entry_len", "receipt_len")[0]
        steps += [("confirm", device, confirm_of(world, device, "play", device.conformance())),
                  ("challenge", device, dict(peer=world.points["BENCH"],
                                             order=world.orders["play"]))]
    rng.shuffle(steps)
    for kind, device, fields in steps:
        error = front.ask(kind, **fields).error
        if kind == "confirm":
            assert error == (0 if device.id in issued else NOT_FOUND)


def test_asks_after_the_stop(world, front):
    """Told to stop, the server stops, whatever a front sends and although it does not leave."""
    ask = front.message("file", peer=world.points["planner"], level=CHECKPOINT)
    stopper = threading.Thread(target=world.factory.stop)
    stopper.start()
    with pytest.raises(Gone):
        while True:
            front.send(ask)
            front.receive()
    stopper.join(DEADLINE_S)
    assert not stopper.is_alive()
    world.let_go()
    world.factory.start()
    world.seize()


# --- anything at all ------------------------------------------------------------------------

def test_noise_by_a_seed(world, front):
    """Asks of the right length with anything in them: whatever is answered, the keeper lives and
    everything that was counted is right."""
    rng = random.Random(SEED)
    print(f"SEED={SEED}")
    keeper = world.factory.pid_of("keeper")
    kinds = [rule for rule in front.layout.rules.values() if rule.by == 1]
    samples = {
        "issue": front.message("issue", **world.issue(world.device(), "noise")),
        "void": front.message("void", sign1(world.factory.key("BENCH"), b"hallmark-void-v1", cbor(
            {0: 1, 1: world.orders["noise"], 2: bytes(32), 3: "because", 4: 1})),
            peer=world.points["BENCH"])}
    head = front.layout.sizes["ask_head"]
    messages = []
    for number in range(ASKS):
        rule = rng.choice(kinds)
        body = bytearray(samples[rule.name][head:] if rule.name in samples and rng.random() < .8
                         else rng.randbytes(rule.request))
        tail = len(body) - rule.request
        if rule.request_tail and rng.random() < .5:
            extra = rng.randbytes(rng.randrange(min(rule.request_tail - tail, 2000)))
            body, tail = body + extra, tail + len(extra)
        if rule.request >= 65 and rng.random() < .8:
            body[:65] = world.points[rng.choice(list(world.points))]
        for _ in range(rng.randrange(4)):
            if len(body) > 0:
                body[rng.randrange(len(body))] = rng.choice([0, 1, 0x7f, 0x80, 0xff])
        messages.append(front.frame(rule.kind, bytes(body), tail, number))
    for start in range(0, len(messages), 100):
        front.storm(messages[start:start + 100])
    assert world.factory.pid_of("keeper") == keeper
    assert world.counts("noise")["used"] <= world.quotas["noise"]


# --- what the attacker has seen -------------------------------------------------------------

def test_no_secret_in_all_that_a_front_received(world, front):
    """Not in the clear, and no seal opens with a key that is not the device's."""
    world.let_go()
    factory = world.factory
    fleet = {value for (_, name), value in world.secrets.items() if name == "fleet-key"}
    assert fleet == {factory.fleet_key}
    assert len(world.secrets) == 3 * len(world.stamps) > 0
    haystack = b"\n".join(world.received)
    assert all(stamp in haystack for stamp in world.stamps)  # we look in the right place
    needles = {name: value for (_, name), value in world.secrets.items() if name != "setup-code"}
    needles |= {"PIN": factory.read("pin"), "SO PIN": factory.read("so-pin")}
    for name, value in list(needles.items()) + [(n, v) for (_, n), v in world.secrets.items()
                                                if n == "disk-key"]:
        assert value not in haystack and value.hex().encode() not in haystack, name
    mine = [new_key(), *(factory.key(n) for n in ("planner", "auditor", "BENCH", "OTHER"))]
    for stamp in world.stamps:
        content = open1(factory.stamp_key, b"hallmark-stamp-v1", stamp)
        info = b"hallmark-seal-v1" + content[1].encode() + b"\0" + content[2] + content[3]
        aad = cbor(["hallmark-secrets-v1", content[2], content[7]])
        for key in mine:
            with pytest.raises(InvalidTag):
                hpke_open(key, content[11], info, aad, content[12])
    world.seize()


def test_the_record_of_all_this_is_consistent(world, front):
    world.let_go()
    world.factory.stop()
    assert world.factory.audit()["consistent"]
    assert b"AddressSanitizer" not in world.factory.read("hallmarkd.log")
    assert b"runtime error" not in world.factory.read("hallmarkd.log")
    world.factory.start()
    with pytest.raises((InvalidSignature, ValueError)):
        open1(world.factory.stamp_key, b"hallmark-stamp-v1", flip(world.stamps[0], -1))
    world.seize()
