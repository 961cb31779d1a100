# SPDX-License-Identifier: Apache-2.0
"""Backup of a server at work, restore, and who notices that a server was rolled back"""
import fcntl, json, os, pathlib, random, shutil, signal, subprocess, threading, time

import cbor2
import pytest

from counterpart import CONFIRM, SUCCESSION, Ledger, Verifier
from line import (HALLMARK, HALLMARKD, LOSES, MODULE, OEM, SERVER, STATION, VDEVICE, Refused,
                  make_device, running_factory, soft, until)

STATIONS = "ABCD"


class Line:
    """Four stations that make devices until they are told to stop; receipts are kept."""

    def __init__(self, factory, order):
        self.factory, self.order = factory, order
        self.going, self.made, self.failed = threading.Event(), [], []
        self.threads = [threading.Thread(target=self.work, args=(f"B{s}",)) for s in STATIONS]
        os.makedirs(factory.path("received"), exist_ok=True)

    def work(self, name):
        try:
            client = self.factory.client(name)
            while not self.going.is_set():
                self.make(client)
        except BaseException as error:  # told by the main thread
            self.failed.append((name, error))

    def make(self, client):
        device = soft(self.factory)
        issued, confirmed = make_device(client, self.factory, self.order, device)
        issued, confirmed = cbor2.loads(issued), cbor2.loads(confirmed)
        for what, entry, receipt in (("issue", issued[2], issued[3]),
                                     ("confirm", confirmed[1], confirmed[2])):
            name = f"received/{device.id.hex()[:16]}.{what}"
            self.factory.write(name + ".entry", entry)
            self.factory.write(name + ".tlog-proof", receipt)
        self.made.append(device)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        until(lambda: len(self.made) >= 8 or self.failed, "work has begun")
        return self

    def __exit__(self, *error):
        self.going.set()
        for thread in self.threads:
            thread.join()
        assert not self.failed, f"{self.failed}\n{self.factory.tail()}"


@pytest.fixture(scope="module")
def factory():
    made = running_factory(slots=1)
    for station in STATIONS:
        made.station("B" + station)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def own_state(factory):
    """Whatever a test does, the next one finds the server with its own state."""
    yield
    if factory.server is not None:
        factory.stop()
    shutil.rmtree(factory.path("received"), ignore_errors=True)  # of a log that is no more
    if os.path.exists(factory.path("before")):
        shutil.rmtree(factory.path("state"))
        os.rename(factory.path("before"), factory.path("state"))
    factory.write_yaml()
    factory.start()


def wide_order(factory, quota=100000):
    names = ", ".join(f'"B{s}"' for s in STATIONS)
    return factory.order("soft", "soft-1", quota=quota, stations=f'["BENCH", {names}]')


def error_of(done):
    return int(json.loads(done.stderr)["id"][3:])


# --- making -------------------------------------------------------------------------

def test_a_backup_while_four_stations_work(factory):
    """Three in a row; each is whole, and has all that was answered before it began."""
    order = wide_order(factory)
    with Line(factory, order) as line:
        for n in range(3):
            before = list(line.made)
            factory.backup(f"load{n}")
            until(lambda: len(line.made) > len(before) or line.failed, "work goes on")
    for n in range(3):
        said = json.loads(factory.backup(f"load{n}", "--verify", "--log-key", "log.vkey",
                                         "--json").stdout)
        assert 0 < said["published"] <= said["entries"]
        ledger = Ledger(factory.path(f"load{n}", "ledger"), factory.log)
        assert len(ledger.raw) == said["published"]
        factory.hallmark("audit", "verify", f"load{n}/ledger", "--log-key", "log.vkey")
    everything = [path.read_bytes() for path in pathlib.Path(factory.path("load2")).rglob("*")
                  if path.is_file()]
    for secret in "pin", "so-pin", "server.key", "planner.key":
        assert not any(factory.read(secret).strip() in content for content in everything)
    manifest = json.loads(factory.read("load2", "MANIFEST.json"))
    assert {row["path"] for row in manifest["files"]} >= {
        "hallmark.db", "ledger/checkpoint", "config/hallmarkd.yaml", "config/server.pem"}
    assert len(manifest["absent"]) == 3
    factory.stop()
    seen = newest_before(factory, said["entries"])
    factory.restore("load2", "restored", "--seen", seen)
    factory.write_yaml("restored")
    factory.start()
    planner = factory.client("planner")
    for device in before:
        assert planner.json("/v1/device/" + device.id.hex())["state"] == "confirmed"
    make_device(factory.client("BENCH"), factory, order, soft(factory))
    until(lambda: len(factory.ledger("restored/ledger").of(CONFIRM)) > len(before), "published")
    factory.hallmark("audit", "verify", "restored/ledger", "--log-key", "log.vkey",
                     "--checkpoint", "load1/ledger/checkpoint")


def newest_before(factory, size):
    """The newest receipt that a backup of so many entries knows."""
    sizes = {}
    for path in pathlib.Path(factory.path("received")).glob("*.tlog-proof"):
        note = path.read_text(encoding="utf-8").split("\n\n", 1)[1]
        sizes[factory.log.checkpoint(note)[0]] = str(path)
    return sizes[max(s for s in sizes if s <= size)]


def test_nothing_is_overwritten(factory):
    factory.backup("once")
    manifest = factory.read("once", "MANIFEST.json")
    assert error_of(factory.backup("once", "--json", status=None)) == 9009
    assert error_of(factory.restore("once", "state", "--seen", "once/ledger", "--json",
                                    status=None)) == 9009
    assert factory.read("once", "MANIFEST.json") == manifest
    assert not os.path.exists(factory.path("once.part"))


def test_a_backup_that_is_killed(factory):
    """It is there as a whole or not at all, and the next one succeeds."""
    began = time.monotonic()
    factory.backup("timed")
    span, chance, made = time.monotonic() - began, random.Random(20311), 0
    for n in range(8):
        process = subprocess.Popen(
            [HALLMARK, "server", "backup", f"killed{n}", "--hallmarkd", "hallmarkd.yaml"],
            cwd=factory.dir, env=factory.env, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        time.sleep(chance.random() * span * 1.2)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if os.path.exists(factory.path(f"killed{n}")):
            made += 1
        else:
            factory.backup(f"killed{n}")
        factory.backup(f"killed{n}", "--verify", "--log-key", "log.vkey")
        assert not os.path.exists(factory.path(f"killed{n}.part"))
    assert made < 8, "no kill came in time"


def test_two_backups_to_one_name(factory):
    os.mkdir(factory.path("twice.part"))
    holder = os.open(factory.path("twice.part"), os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    assert error_of(factory.backup("twice", "--json", status=None)) == 5104
    os.close(holder)  # whoever held it is gone
    factory.backup("twice")


def test_no_backup_of_a_past_that_was_lost(factory):
    """An older database, or another one, beside the checkpoint that the log has signed."""
    order = factory.order("soft", "soft-1", quota=9)
    factory.stop()
    shutil.copytree(factory.path("state"), factory.path("before"))
    factory.start()
    make_device(factory.client("BENCH"), factory, order, soft(factory))
    factory.stop()
    signed = factory.read("state", "ledger", "checkpoint")
    shutil.rmtree(factory.path("state"))
    shutil.copytree(factory.path("before"), factory.path("state"))
    factory.write("state/ledger/checkpoint", signed)
    assert error_of(factory.backup("lost", "--json", status=None)) == 8203
    factory.write("state/ledger/checkpoint", factory.read("before", "ledger", "checkpoint"))
    factory.start()
    for _ in range(2):
        make_device(factory.client("BENCH"), factory, order, soft(factory))
    factory.stop()
    factory.write("state/ledger/checkpoint", signed)  # the log has grown another way since
    assert error_of(factory.backup("lost", "--json", status=None)) == 8201
    assert not os.path.exists(factory.path("lost"))


def test_a_backup_into_a_full_disk(factory):
    """A limit of the file size stands for it: nothing appears, nothing is left."""
    done = factory.run("/bin/bash", "-c", f"ulimit -f 64; exec {HALLMARK} server backup full "
                       "--hallmarkd hallmarkd.yaml --json", status=None)
    assert done.returncode != 0
    assert not os.path.exists(factory.path("full"))
    factory.backup("full")


def damage(path, kind):
    if kind == "gone":
        os.unlink(path)
    elif kind == "more":
        with open(path + ".extra", "wb") as file:
            file.write(b"more")
    else:
        with open(path, "r+b") as file:
            size = os.path.getsize(path)
            file.seek(size // 2)
            byte = file.read(1)
            file.seek(size // 2)
            file.write(bytes([byte[0] ^ 1]))


def test_damage_is_found(factory):
    factory.backup("whole")
    files = [row["path"] for row in json.loads(factory.read("whole", "MANIFEST.json"))["files"]]
    for n, (path, kind) in enumerate([(p, "flip") for p in files[:40]] +
                                     [("ledger/checkpoint", "gone"), ("hallmark.db", "gone"),
                                      ("config/issuer.pem", "gone"), ("hallmark.db", "more"),
                                      ("MANIFEST.json", "flip"), ("MANIFEST.json", "gone")]):
        broken = f"broken{n}"
        shutil.copytree(factory.path("whole"), factory.path(broken))
        damage(factory.path(broken, path), kind)
        done = factory.backup(broken, "--verify", "--json", status=None)
        assert done.returncode != 0, (path, kind)
        done = factory.restore(broken, "never", "--seen", "whole/ledger", "--json", status=None)
        assert done.returncode != 0 and not os.path.exists(factory.path("never"))
        shutil.rmtree(factory.path(broken))


def test_another_log_s_backup_is_refused(factory):
    """The manifest may be right: the signature is not."""
    factory.backup("foreign")
    factory.hallmark("hsm", "generate", OEM, "--label", "other-log", "--type", "ed25519",
                     "--origin", "test.example/log", "--public", "other.vkey", "--module",
                     MODULE, "--pin", "file:pin")
    done = factory.backup("foreign", "--verify", "--log-key", "other.vkey", "--json", status=None)
    assert error_of(done) == 8202


# --- the folder's owner ---------------------------------------------------------------

@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_restores_belongs_to_the_keeper(factory):
    factory.backup("owned")
    os.mkdir(factory.path("given"), 0o700)
    os.chown(factory.path("given"), 4711, 4712)
    factory.restore("owned", "given", "--seen", "owned/ledger")
    for root, folders, names in os.walk(factory.path("given")):
        for name in folders + names:
            about = os.lstat(os.path.join(root, name))
            assert (about.st_uid, about.st_gid) == (4711, 4712), name


# --- who notices ------------------------------------------------------------------------

class Roll:
    """A line that worked with a server until now; the server then becomes yesterday's."""

    def __init__(self, factory):
        self.factory = factory
        if not os.path.exists(factory.path("bench-1.bin")):
            factory.write("bench-1.bin", b"a firmware")
            _, _, self.family = factory.fab("--family", "imx8", release="bench-1")
            factory.product("bench", "imx-mp", "pinned", f'    pinned: ["{self.family}"]\n')
            factory.release("bench-1", "bench", image=b"a firmware")
        shutil.rmtree(factory.path("journal"), ignore_errors=True)
        self.order = factory.order("bench", "bench-1", quota=20)
        self.soft_order = factory.order("soft", "soft-1", quota=50)

    def unit(self, status):
        """One unit at the real station; its events."""
        factory = self.factory
        chip, _, _ = factory.fab("--family", "imx8", release="bench-1")
        station = subprocess.Popen(
            [STATION, "run", self.order, "--config", "station.yaml", "--units", "1", "--json"],
            cwd=factory.dir, env=factory.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until(lambda: os.path.exists(factory.path("slot-0.sock")), "the slot is there")
        vdevice = subprocess.Popen(
            [VDEVICE, "run", "--dir", chip, "--link", "unix:slot-0.sock", "--quiet"],
            cwd=factory.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        out, err = station.communicate(timeout=60)
        vdevice.kill()
        vdevice.wait()
        assert station.returncode == status, out.decode() + err.decode()
        return [json.loads(line) for line in out.decode().splitlines()], err.decode()

    def keep(self):
        """What will be yesterday's state: a copy of the whole folder, at rest."""
        self.factory.stop()
        shutil.copytree(self.factory.path("state"), self.factory.path("before"))
        self.factory.start()

    def roll_back(self):
        """Yesterday's folder takes the place of today's, which `own_state` puts back."""
        factory = self.factory
        factory.stop()
        os.rename(factory.path("state"), factory.path("today"))
        os.rename(factory.path("before"), factory.path("state"))
        os.rename(factory.path("today"), factory.path("before"))
        factory.start()


def test_stations_notice_yesterday_s_server(factory):
    """The server starts, for its folder fits itself. The station does not go on."""
    roll = Roll(factory)
    roll.keep()
    roll.unit(0)
    assert factory.read("journal", "S0.seen")
    roll.roll_back()
    events, err = roll.unit(13)
    assert any(e.get("error") == "HM-8203" and e["state"] == "hold" for e in events), events
    assert "Roll-back" in err and "this slot has seen" in err
    before = factory.read("journal", "S0.seen")
    # The log grows past what was seen: it is another one all the same.
    client, order = factory.client("BENCH"), roll.soft_order
    for _ in range(8):
        make_device(client, factory, order, soft(factory))
    events, err = roll.unit(13)
    assert any(e.get("error") == "HM-8201" for e in events), events
    assert factory.read("journal", "S0.seen") == before


def test_audits_notice_yesterday_s_server(factory):
    roll = Roll(factory)
    line = Line(factory, wide_order(factory))
    line.make(factory.client("BA"))
    roll.keep()
    line.make(factory.client("BA"))
    until(lambda: factory.audit("--records", "received", status=None)["consistent"], "published")
    shutil.copy(factory.path("state", "ledger", "checkpoint"), factory.path("seen-today"))
    roll.roll_back()
    for words in ("--records", "received"), ("--checkpoint", "seen-today"):
        verdict = factory.audit(*words, status=15)
        assert any("rolled back" in f["words"] for f in verdict["findings"]), verdict


class Witness:
    """Somebody with a token and a memory of his own."""

    def __init__(self, factory, name):
        self.factory, self.name, self.memory = factory, name, name + ".seen"
        common = "--module", MODULE, "--pin", "file:pin"
        factory.hallmark("hsm", "init", name, *common, "--so-pin", "file:so-pin")
        factory.hallmark("hsm", "generate", "pkcs11:token=" + name, "--label", "w", "--type",
                         "ed25519", "--origin", name, "--public", name + ".unused", *common)

    def look(self, *words, status=0):
        done = self.factory.hallmark(
            "audit", "witness", "--log-key", "log.vkey", "--memory", self.memory, "--name",
            self.name, "--token", "pkcs11:token=" + self.name, "--key", "pkcs11:object=w",
            "--module", MODULE, "--pin", "file:pin", "--public", self.name + ".vkey", "--json",
            *words, status=status, env=LOSES)
        return json.loads(done.stdout) if status == 0 else error_of(done)


def test_witnesses_notice_yesterday_s_server(factory):
    """One reads files, the other asks the server as an auditor."""
    roll = Roll(factory)
    line = Line(factory, wide_order(factory))
    factory.write("auditor.yaml", factory.read("hallmark.yaml").decode()
                  .replace("planner.", "auditor."))
    files, asks = ("--ledger", "state/ledger"), ("--config", "auditor.yaml")
    one, two = Witness(factory, "w1.example"), Witness(factory, "w2.example")
    assert one.look(*files, status=3) == two.look(*asks, status=3) == 9008  # no memory
    line.make(factory.client("BA"))
    for witness, source in (one, files), (two, asks):
        first = witness.look(*source, "--begin")
        assert first["before"] == 0
        assert witness.look(*source, "--begin", status=3) == 9009
        line.make(factory.client("BA"))
        until(lambda: witness.look(*source)["entries"] > first["entries"], "it grows")
    roll.keep()
    line.make(factory.client("BA"))
    entries = two.look(*asks)["entries"]
    until(lambda: one.look(*files)["entries"] == entries, "published")
    cosigned = factory.read(one.memory) + b"".join(
        row for row in factory.read(two.memory).splitlines(True) if b" w2.example " in row)
    shutil.copytree(factory.path("state", "ledger"), factory.path("mirror"))
    factory.write("mirror/checkpoint", cosigned)
    verdict = json.loads(factory.hallmark(
        "audit", "verify", "mirror", "--log-key", "log.vkey", "--quorum", "2", "--json",
        *(w for n in (one, two) for w in ("--witness", n.name + ".vkey"))).stdout)
    assert verdict["witnesses"] == 2
    kept = factory.read(one.memory), factory.read(two.memory)
    roll.roll_back()
    assert one.look(*files, status=15) == two.look(*asks, status=15) == 8203
    for _ in range(3):
        line.make(factory.client("BA"))
    assert two.look(*asks, status=15) == 8201
    until(lambda: len(factory.ledger().raw) >= entries + 2, "published")
    assert one.look(*files, status=15) == 8201
    assert (factory.read(one.memory), factory.read(two.memory)) == kept
    for witness in one, two:  # the log has signed both
        refused = factory.read(witness.memory + ".refused").decode()
        assert factory.log.checkpoint(refused.split("\n\n", 1)[1])[0] >= entries


def test_a_witness_believes_its_own_memory_only(factory):
    witness = Witness(factory, "w3.example")
    files = "--ledger", "state/ledger"
    witness.look(*files, "--begin")
    memory = factory.read(witness.memory)
    factory.write(witness.memory, factory.read("state", "ledger", "checkpoint"))
    assert witness.look(*files, status=15) == 8202  # the log's word, not its own
    at = memory.rindex(b"w3.example ") + 40
    factory.write(witness.memory, memory[:at] + b"AAAA" + memory[at + 4:])
    assert witness.look(*files, status=15) == 8202
    factory.write(witness.memory, memory)
    assert witness.look(*files)["before"] > 0


def test_a_restore_that_forgets_is_refused(factory):
    """Somebody has seen more than the backup has: a receipt, a checkpoint, a station."""
    line = Line(factory, wide_order(factory))
    entries = json.loads(factory.backup("forgets", "--json").stdout)["entries"]
    line.make(factory.client("BA"))
    until(lambda: len(factory.ledger().raw) > entries, "published")
    shutil.copy(factory.path("state", "ledger", "checkpoint"), factory.path("seen-later"))
    for seen in "received", "seen-later", "state/ledger":
        done = factory.restore("forgets", "forgotten", "--seen", seen, "--json", status=15)
        assert error_of(done) == 8203
        assert seen in json.loads(done.stderr)["where"]
    done = factory.restore("forgets", "forgotten", "--json", status=None)
    assert error_of(done) == 1001  # nobody says how far the log had come
    assert not os.path.exists(factory.path("forgotten"))
    done = factory.restore("forgets", "forgotten", "--successor", "test.example/log", "--json",
                           status=None)
    assert error_of(done) == 1001  # no other name
    factory.restore("forgets", "remembered", "--seen", "forgets/ledger")


def test_a_restore_of_another_past_is_refused(factory):
    """What was seen is no longer than the backup, but it is not the backup's past."""
    roll, line = Roll(factory), Line(factory, wide_order(factory))
    roll.keep()
    line.make(factory.client("BA"))
    until(lambda: len(factory.ledger().of(CONFIRM)), "published")
    factory.stop()
    shutil.copy(factory.path("state", "ledger", "checkpoint"), factory.path("seen-there"))
    factory.start()
    roll.roll_back()
    for _ in range(3):
        line.make(factory.client("BA"))
    factory.backup("another")
    done = factory.restore("another", "no", "--seen", "seen-there", "--json", status=15)
    assert error_of(done) == 8201


def test_a_log_that_follows(factory):
    """The disaster: nothing newer than an old backup. It goes on under another name."""
    roll = Roll(factory)
    roll.unit(0)
    line = Line(factory, wide_order(factory))
    line.make(factory.client("BA"))
    kept = line.made[-1]
    factory.backup("old")
    line.make(factory.client("BA"))  # nobody will know of this one
    lost = line.made[-1]
    factory.stop()
    shutil.copytree(factory.path("state"), factory.path("before"))
    factory.hallmark("hsm", "generate", SERVER, "--label", "log2", "--type", "ed25519",
                     "--origin", "test.example/log-2", "--public", "log2.vkey", "--module",
                     MODULE, "--pin", "file:pin")
    said = json.loads(factory.restore("old", "followed", "--seen", "received", "--successor",
                                      "test.example/log-2", "--json").stdout)
    assert said["seen"] > said["entries"] and said["successor"] == "test.example/log-2"
    factory.write_yaml("followed")
    done = factory.run(HALLMARKD, "--config", "hallmarkd.yaml", status=None)
    assert b"HM-4303" in done.stderr and b"name of the log" in done.stderr
    new = factory.read("hallmarkd.yaml").decode().replace("test.example/log", "test.example/log-2") \
        .replace("object=log", "object=log2")
    factory.write("hallmarkd.yaml", new)
    factory.start()
    check_follower(factory, line, kept, lost, said["entries"], said["seen"])
    # The station believes the new log when it is told to, and not before.
    order = roll.order
    roll.order = factory.order("bench", "bench-1", quota=2)
    roll.unit(5)
    station = factory.read("station.yaml").decode().replace(
        factory.read("log.vkey").decode().strip(), factory.read("log2.vkey").decode().strip())
    factory.write("station.yaml", station)
    roll.unit(0)
    assert factory.refused("order", "show", order + "x") == 6110


def check_follower(factory, line, kept, lost, entries, seen):
    planner = factory.client("planner")
    order = planner.json("/v1/order/" + line.order)
    assert order["closed"]
    assert planner.json("/v1/device/" + kept.id.hex())["state"] == "confirmed"
    with pytest.raises(Refused) as refused:
        planner.json("/v1/device/" + lost.id.hex())
    assert refused.value.error == 7201
    with pytest.raises(Refused) as refused:
        line.make(factory.client("BA"))
    assert refused.value.error == 6111
    line.order = wide_order(factory)
    line.make(factory.client("BB"))
    log2 = Verifier(factory.read("log2.vkey").decode())
    ledger = until(lambda: published(factory, log2, entries), "published")
    assert ledger.entries[entries][1] == SUCCESSION
    assert ledger.entries[entries][3] == {1: "test.example/log-2", 2: seen}
    words = "audit", "verify", "followed/ledger", "--authority", "authority.pub", "--json"
    verdict = json.loads(factory.hallmark(*words, "--log-key", "log2.vkey").stdout)
    assert verdict["consistent"]
    assert any("goes on as test.example/log-2" in f["words"] for f in verdict["findings"])
    factory.hallmark(*words, "--log-key", "log.vkey", status=15)
    factory.restart()  # the beginning is written once
    assert len(Ledger(factory.path("followed/ledger"), log2).of(SUCCESSION)) == 1


def published(factory, key, entries):
    try:
        ledger = Ledger(factory.path("followed/ledger"), key)
    except FileNotFoundError:
        return None
    return ledger if len(ledger.raw) >= entries + 4 else None
