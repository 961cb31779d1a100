# SPDX-License-Identifier: Apache-2.0
"""Those who have something that they should not: the key of a station, a copy of the database,
root on the server without the authority's token

What each of them can not do; and what root can do, but not unnoticed.
"""
import contextlib, http.client, os, shutil, sqlite3, time

import cbor2, pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization

from counterpart import (CONFIRM, GENESIS, IMX_MP, ISSUE, OBJECT, STATES, Device, cbor, hpke_open,
                         new_key, open1, point_of, sha256, sign1)
from line import (HALLMARKD, SECRETS, Refused, make_device, running_factory, soft, until,
                  utc)
from taken import published

EVIDENCE_KEY, SIGNATURE, STRANGER, RIGHTS, WRONG_STATE = 4202, 4304, 6202, 6201, 2305
QUOTA = 3


class World:
    """An OEM with chips of enrolled keys: two are made, one waits, one more is ordered."""

    def __init__(self):
        factory = self.factory = running_factory()
        factory.product("thermo", "imx-mp", "enrolled", secrets_yaml=SECRETS + """  - name: "tls-key"
    kind: key
""")
        self.image = factory.release("thermo-1", "thermo", image=b"firmware of a thermometer")
        self.chips = [Device(IMX_MP, self.image) for _ in range(6)]
        factory.enrol("thermo", *(point_of(chip.evidence_key.public_key()).hex()
                                  for chip in self.chips))
        self.order = factory.order("thermo", "thermo-1", quota=QUOTA)
        self.other = factory.order("soft", "soft-1", quota=5)
        self.station, self.planner = factory.client("BENCH"), factory.client("planner")
        self.secrets, self.evidence = {}, {}
        for chip in self.chips[:2]:
            self.make(self.station, chip)
            self.station.confirm(self.order, chip.conformance())
        self.states = 0

    def make(self, client, chip):
        evidence = self.evidence[chip.id] = chip.evidence(client.challenge(self.order))
        answer = client.issue(self.order, evidence)
        _, opened = chip.take(cbor2.loads(answer)[1], self.factory.stamp_key)
        self.secrets |= {(chip.id, name): value for name, (_, value) in opened.items()}
        return answer

    def counts(self, order=None):
        return self.planner.json("/v1/order/" + (order or self.order))

    def error_of(self, deed):
        with pytest.raises(Refused) as refused:
            deed()
        return refused.value.error


@pytest.fixture(scope="module")
def world():
    made = World()
    yield made
    made.factory.close()


# --- a stolen station key ----------------------------------------------------------------

@pytest.fixture
def thief(world):
    """Somebody with the TLS key of a station, on a connection of his own."""
    return world.factory.client("BENCH")


def test_a_stolen_station_key_makes_nothing_without_hardware(world, thief):
    before = world.counts()
    for device in (Device(IMX_MP, world.image), Device(1, world.image)):
        error = world.error_of(lambda d=device: world.make(thief, d))
        assert error in (EVIDENCE_KEY, 4205)
    clone = world.chips[3].clone()  # the visible id of a chip that is enrolled
    assert world.error_of(lambda: world.make(thief, clone)) == EVIDENCE_KEY
    assert world.counts() == before


def test_a_stolen_station_key_opens_nothing_that_was_recorded(world, thief):
    """Of a device that is under way it gets the stamp again, which is of no use to it."""
    chip = world.chips[2]
    first = world.make(world.station, chip)
    again = thief.issue(world.order, world.evidence[chip.id])
    assert again == first
    content = open1(world.factory.stamp_key, b"hallmark-stamp-v1", cbor2.loads(again)[1])
    info = b"hallmark-seal-v1" + content[1].encode() + b"\0" + content[2] + content[3]
    for key in (world.factory.key("BENCH"), new_key()):
        with pytest.raises(InvalidTag):
            hpke_open(key, content[11], info, cbor(["hallmark-secrets-v1", content[2],
                                                    content[7]]), content[12])
    forged = sign1(world.factory.key("BENCH"), b"hallmark-conformance-v1", cbor(
        cbor2.loads(cbor2.loads(chip.conformance()).value[2])))
    assert world.error_of(lambda: thief.confirm(world.order, forged)) == SIGNATURE
    world.station.confirm(world.order, chip.conformance())
    assert world.error_of(lambda: thief.issue(world.order, world.evidence[chip.id])) == 2202


def test_a_stolen_station_key_undoes_nothing_that_is_confirmed(world, thief):
    before = world.counts()
    for chip in world.chips[:3]:
        message = sign1(world.factory.key("BENCH"), b"hallmark-void-v1", cbor(
            {0: 1, 1: world.order, 2: chip.id, 3: "sabotage", 4: int(time.time())}))
        assert world.error_of(lambda m=message: thief.post("/v1/void", m)) == WRONG_STATE
    assert world.counts() == before


def test_a_stolen_station_key_orders_and_reads_nothing_else(world, thief):
    payload = cbor2.loads(published(world.factory).of(OBJECT)[-1]).value[2]
    for key in (world.factory.key("BENCH"), new_key()):
        message = sign1(key, b"hallmark-object-v1", payload)
        assert world.error_of(lambda m=message: thief.post("/v1/object", m)) in (RIGHTS,
                                                                                SIGNATURE)
    for path in "/v1/quarantine", "/tile/entries/000", "/tile/0/000":
        assert world.error_of(lambda p=path: thief.get(p)) == RIGHTS
    strange = world.factory.order("soft", "soft-1", quota=1, stations='["ELSEWHERE"]')
    assert world.error_of(lambda: thief.get("/v1/order/" + strange)) == 6112


def test_a_key_that_was_reported_is_worth_nothing_at_once(world):
    """Also on a connection that has been open all the time."""
    factory = world.factory
    station = factory.station("STOLEN")
    order = factory.order("soft", "soft-1", quota=3, stations='["STOLEN"]')
    make_device(station, factory, order, soft(factory))
    kept = station.connection
    device = soft(factory)
    evidence = device.evidence(station.challenge(order))
    factory.planner("station", "revoke", "STOLEN", "--reason", "stolen")
    assert world.error_of(lambda: station.issue(order, evidence)) == STRANGER
    assert station.connection is kept
    assert world.error_of(lambda: station.challenge(order)) == STRANGER
    assert world.counts(order)["used"] == 1


# --- a thief of the database ----------------------------------------------------------------

def private_halves(world):
    """name -> the scalar of every private key there is."""
    def scalar(key):
        return key.private_numbers().private_value.to_bytes(32, "big")
    found = {f"{name} {number}": scalar(getattr(chip, name))
             for number, chip in enumerate(world.chips)
             for name in ("identity", "kem", "evidence_key")}
    for name in "server", "planner", "BENCH":
        found[name] = scalar(world.factory.key(name))
    return found


def files_below(*folders):
    for top in folders:
        for folder, _, names in os.walk(top):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    yield os.path.join(folder, name), file.read()


def test_a_copy_of_the_database_holds_no_secret_and_no_key(world):
    """What lies in state/, while the server works and in a backup; nothing of a token."""
    factory = world.factory
    factory.hallmark("server", "backup", "stolen", "--hallmarkd", "hallmarkd.yaml")
    needles = {str(name): value for name, value in world.secrets.items() if len(value) > 8}
    needles |= private_halves(world) | {name: factory.read(name) for name in ("pin", "so-pin")}
    needles["shared"] = factory.fleet_key
    looked_at = dict(files_below(factory.path("state"), factory.path("stolen")))
    assert {"hallmark.db", "hallmark.db-wal", "checkpoint"} <= {
        os.path.basename(path) for path in looked_at}
    for path, content in looked_at.items():
        for name, value in needles.items():
            assert value not in content and value.hex().encode() not in content, (name, path)
        assert b"PRIVATE KEY" not in content, path
    assert any(world.chips[0].id in content for content in looked_at.values())


def test_a_copy_of_the_database_opens_no_seal(world):
    """Every stamp is in it. Only the device's own key opens it."""
    copy = world.factory.path("copy.db")
    with contextlib.closing(sqlite3.connect(world.factory.path("state/hallmark.db"))) as db, \
            contextlib.closing(sqlite3.connect(copy)) as to:
        db.backup(to)
    with contextlib.closing(sqlite3.connect(copy)) as db:
        stamps = [row[0] for row in db.execute("SELECT stamp FROM stamp")]
    assert len(stamps) >= 2
    mine = {chip.id: chip for chip in world.chips}
    keys = [world.factory.key(name) for name in ("server", "planner", "BENCH")]
    for stamp in stamps:
        content = open1(world.factory.stamp_key, b"hallmark-stamp-v1", stamp)
        info = b"hallmark-seal-v1" + content[1].encode() + b"\0" + content[2] + content[3]
        aad = cbor(["hallmark-secrets-v1", content[2], content[7]])
        for key in keys + [chip.kem for chip in world.chips if chip.id != content[2]]:
            with pytest.raises(InvalidTag):
                hpke_open(key, content[11], info, aad, content[12])
        if content[2] in mine:
            assert hpke_open(mine[content[2]].kem, content[11], info, aad, content[12])


# --- one corrupt administrator ----------------------------------------------------------------

def test_a_planner_without_the_authoritys_token(world):
    """His TLS key lets him bring objects, not make them."""
    factory, before = world.factory, world.counts()
    order = cbor2.loads(cbor2.loads(next(
        message for message in published(factory).of(OBJECT)
        if world.order.encode() in message)).value[2])
    for key in (factory.key("planner"), new_key()):
        for purpose in (b"hallmark-object-v1", b"hallmark-stamp-v1"):
            message = sign1(key, purpose, cbor(order))
            assert world.error_of(lambda m=message: world.planner.post(
                "/v1/object", m, "application/cose")) == SIGNATURE
    again = next(m for m in published(factory).of(OBJECT) if world.order.encode() in m)
    world.planner.post("/v1/object", again, "application/cose")  # known: nothing happens
    assert world.counts() == before


@pytest.fixture
def edited(world):
    """A way to start the server on a copy of its state that somebody has edited."""
    factory = world.factory

    @contextlib.contextmanager
    def start(*statements, files=None, env=None):
        published(factory)
        factory.stop()
        world.states += 1
        state = f"edited-{world.states}"
        shutil.copytree(factory.path("state"), factory.path(state))
        with contextlib.closing(sqlite3.connect(factory.path(state, "hallmark.db"))) as db, db:
            for statement, *values in statements:
                assert db.execute(statement, values).rowcount > 0, statement
        if files:
            files(factory.path(state))
        factory.write_yaml(state)
        yield state
    yield start
    factory.stop()
    factory.write_yaml()
    factory.start()


def verdict(world, state, *seen):
    """What an auditor says of a folder: the findings, as one text."""
    report = world.factory.hallmark(
        "audit", "verify", state + "/ledger", "--log-key", "log.vkey", "--authority",
        "authority.pub", "--json", *seen, status=None)
    assert report.returncode in (0, 15), report
    return report.stdout.decode() if report.returncode else ""


RESET = ("UPDATE book SET used = 0, next = 0, confirmed = 0 WHERE id = "
         "(SELECT id FROM object WHERE kind = 3 AND name = ?)")


def serves(world):
    """Does the keeper answer? A front may be up while the keeper finds that it must not."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return world.factory.client("planner").request("GET", "/v1/whoami")[0] == 200
    return False


def published_state(world, state):
    entries = world.factory.client("planner").json("/healthz")["entries"]
    until(lambda: len(world.factory.ledger(state + "/ledger").raw) >= entries, "published")


def test_counts_that_were_set_back(world, edited):
    """Numbers would be given anew: the serial numbers are taken."""
    with edited((RESET, world.order)) as state:
        world.factory.start()
        error = world.error_of(lambda: world.make(world.station, world.chips[4]))
        assert error in (7001, 7101, 7104)
        published_state(world, state)
        world.factory.stop()
        assert verdict(world, state) == ""


def test_devices_that_were_deleted_to_make_more(world, edited):
    """Rows and counts are the administrator's; the ledger still counts."""
    gone = "(SELECT id FROM device WHERE book = (SELECT id FROM object WHERE name = ?))"
    with edited((RESET, world.order),
                ("DELETE FROM stamp WHERE device IN " + gone, world.order),
                ("DELETE FROM seen WHERE device IN " + gone, world.order),
                ("DELETE FROM device WHERE id IN " + gone, world.order)) as state:
        world.factory.start()
        world.make(world.station, world.chips[4])
        published_state(world, state)
        world.factory.stop()
        said = verdict(world, state)
        assert f"unit {QUOTA + 1} of the order {world.order}, which allows {QUOTA}" in said
        assert "serial number of entry" in said


@pytest.mark.parametrize("files", ["kept", "deleted"])
def test_an_order_that_was_rewritten_in_the_database(world, edited, files):
    """A larger quota in a stored object: it is another than was published, and its tree has
    another root than was committed. (That the authority did not sign it, the signer would say:
    test_taken_keeper.py.)"""
    message = next(m for m in published(world.factory).of(OBJECT) if world.order.encode() in m)
    order = cbor2.loads(cbor2.loads(message).value[2])
    fields = [field for field in (order, *order.values()) if isinstance(field, dict)]
    for field in fields:
        field.update({key: QUOTA + 9 for key, value in field.items() if value == QUOTA})
    assert cbor(order) != cbor2.loads(message).value[2]
    protected, unprotected, _, signature = cbor2.loads(message).value
    forged = cbor(cbor2.CBORTag(18, [protected, unprotected, cbor(order), signature]))

    def rewrite(entry):
        content = cbor2.loads(entry)
        content[3] = forged
        return cbor(content)
    index, entry = next((i, raw) for i, raw in enumerate(published(world.factory).raw)
                        if cbor2.loads(raw)[3] == message)
    def unpublish(state):
        if files == "deleted":
            shutil.rmtree(os.path.join(state, "ledger"))
    with edited(("UPDATE leaf SET entry = ? WHERE idx = ?", rewrite(entry), index),
                files=unpublish):
        done = world.factory.run(HALLMARKD, "--config", "hallmarkd.yaml", status=None)
        assert done.returncode != 0
        assert b"HM-8201" in done.stderr + done.stdout


def test_a_chip_that_was_listed_in_the_database(world, edited):
    """The keeper would take it; the signer asks for the authority's signature."""
    mine = Device(IMX_MP, world.image)
    digest = sha256(point_of(mine.evidence_key.public_key()))
    with edited(("INSERT INTO enrolled (digest, product) VALUES (?, 'thermo')", digest),
                (RESET, world.order)):
        world.factory.start()
        assert world.error_of(lambda: world.make(world.station, mine)) == EVIDENCE_KEY
        assert world.counts()["used"] == 0


def test_a_device_that_was_unconfirmed_to_be_given_back(world, edited):
    """A void after the confirmation, in the order in which the ledger has them."""
    chip = world.chips[0]
    with edited(("UPDATE device SET state = ?, confirm_idx = -1 WHERE device_id = ?",
                 STATES.index("issued"), chip.id),
                ("UPDATE book SET confirmed = confirmed - 1 WHERE confirmed > 0",)) as state:
        world.factory.start()
        world.station.post("/v1/void", sign1(
            world.factory.key("BENCH"), b"hallmark-void-v1",
            cbor({0: 1, 1: world.order, 2: chip.id, 3: "lost", 4: int(time.time())})))
        published_state(world, state)
        world.factory.stop()
        assert "too late to void" in verdict(world, state)


@pytest.mark.parametrize("what", ["dropped", "altered", "swapped"])
@pytest.mark.parametrize("files", ["kept", "deleted"])
def test_entries_that_were_changed_in_the_database(world, edited, what, files):
    """Nothing is built upon them: the server does not start, or whoever saw an older checkpoint
    finds it, also if all that was published has been deleted."""
    ledger = published(world.factory)
    shutil.copy(world.factory.path("state/ledger/checkpoint"), world.factory.path("seen"))
    issues = [i for i, raw in enumerate(ledger.raw) if cbor2.loads(raw)[1] == ISSUE]
    first, second = issues[:2]
    statements = {
        "dropped": [("DELETE FROM leaf WHERE idx = ?", len(ledger.raw) - 1)],
        "altered": [("UPDATE leaf SET entry = ? WHERE idx = ?",
                     ledger.raw[first].replace(b"BENCH", b"BENCK"), first)],
        "swapped": [("UPDATE leaf SET entry = ? WHERE idx = ?", ledger.raw[second], first),
                    ("UPDATE leaf SET entry = ? WHERE idx = ?", ledger.raw[first], second)],
    }[what]

    def unpublish(state):
        if files == "deleted":
            shutil.rmtree(os.path.join(state, "ledger"))
    with edited(*statements, files=unpublish) as state:
        factory = world.factory
        factory.start_only()
        until(lambda: factory.server.poll() is not None or serves(world), "it serves or ends")
        if factory.server.poll() is not None:
            assert factory.server.returncode != 0
            return
        with contextlib.suppress(Refused):
            make_device(world.station, factory, world.other, soft(factory))
        factory.stop()
        assert verdict(world, state, "--checkpoint", "seen") != ""


def test_a_clock_that_was_set_back_for_an_old_order(world, edited):
    """Devices of an order that is over: their time stands before that of older entries."""
    factory = world.factory
    late = factory.order("soft", "soft-1", quota=1, not_after=utc(seconds=3600))
    with edited() as state:
        factory.start(factory.at(2 * 3600))
        station = factory.client("BENCH")
        make_device(station, factory, world.other, soft(factory))
        assert world.error_of(
            lambda: make_device(station, factory, late, soft(factory))) == 6103
        published_state(world, state)
        factory.stop()
        factory.start()  # and now the clock is an earlier one
        make_device(factory.client("BENCH"), factory, late, soft(factory))
        published_state(world, state)
        factory.stop()
        report = factory.hallmark("audit", "verify", state + "/ledger", "--log-key", "log.vkey",
                                  "--authority", "authority.pub", "--json", status=None)
        assert b"the clock went back by" in report.stdout


def test_the_untouched_record_is_consistent(world):
    world.factory.stop()
    assert world.factory.audit()["consistent"]
    assert {entry[1] for entry in world.factory.ledger().entries} >= {GENESIS, OBJECT, ISSUE,
                                                                      CONFIRM}
    world.factory.start()
