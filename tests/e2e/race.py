# SPDX-License-Identifier: Apache-2.0
"""race - many stations, the last units of an order, and a server that is killed meanwhile

A round is an order of one to three units and sixteen stations that want one each, all at the
same moment; at a random moment one of the server's processes is killed without a warning, in
some rounds two. Stations ask again until they have an answer, with the same bytes, as
hallmark-station does; some drop the connection before they have read an answer. Most rounds
are played by clients of our own; every tenth by sixteen real hallmark-station processes with
a virtual device each.

After each round four books must agree: the devices, the order as the server shows it, the
database and the ledger. At the end the whole is audited against every receipt that anybody
has ever received.
"""
import http.client, json, os, random, signal, sqlite3, subprocess, threading, time

import cbor2

from counterpart import CONFIRM, ISSUE, cbor, sha256
from line import DEADLINE_S, STATION, VDEVICE, Refused, running_factory, soft, until

STATIONS = 16
VICTIMS = "parent", "front", "keeper", "signer"
NONCE, STALE, USED_UP = 4207, 4208, 6101
AGAIN = 429, 500, 502, 503, 504  # HTTP statuses after which stations ask again


class Racer:
    """One station of ours with one device, from challenge to confirmation or refusal."""

    def __init__(self, race, name, seed):
        self.factory, self.client = race.factory, race.clients[name]
        self.random, self.name = random.Random(seed), name
        self.device = soft(self.factory)
        self.made = self.refused = None
        self.lost = 0  # answers that somebody else's end of the connection kept from us

    def post(self, path, body):
        """Until there is an answer; the connection breaks, and sometimes we break it."""
        end = time.monotonic() + DEADLINE_S
        while True:
            try:
                if self.random.random() < 0.1:
                    self.drop(path, body)
                return self.client.post(path, body)
            except Refused as refused:
                if refused.status not in AGAIN:
                    raise
            except (OSError, http.client.HTTPException):
                self.client.connection = None
                self.lost += 1
            assert time.monotonic() < end, f"{self.name}: no answer to {path}"
            time.sleep(0.01 + self.random.random() * 0.02)

    def drop(self, path, body):
        """Ask and do not listen."""
        if self.client.connection is None:
            self.client.connect()
        self.client.connection.request("POST", path, body,
                                       {"Content-Type": "application/cbor"})
        self.client.connection.close()
        self.client.connection = None

    def run(self, order):
        evidence = None
        while self.made is None and self.refused is None:
            try:
                if evidence is None:
                    challenge = self.post("/v1/challenge", cbor({0: 1, 1: order}))
                    evidence = self.device.evidence(challenge)
                issued = self.post("/v1/issue", cbor({0: 1, 1: order, 2: "A1", 3: evidence}))
            except Refused as refused:
                if refused.error in (NONCE, STALE):
                    evidence = None  # the server has another nonce key since it was killed
                    continue
                self.refused = refused.error
                return
            self.content, _ = self.device.take(cbor2.loads(issued)[1], self.factory.stamp_key)
            said = cbor({0: 1, 1: order, 2: self.device.conformance()})
            self.made = issued, self.post("/v1/confirm", said)


class Race:
    def __init__(self, seed, slots=1):
        self.random, self.seed = random.Random(seed), seed
        self.factory = running_factory(slots=slots, options="limits:\n  requests_per_s: 0\n")
        self.names = [f"R{n:02}" for n in range(STATIONS)]
        self.clients = {name: self.factory.station(name) for name in self.names}
        self.planner = self.factory.client("planner")
        self.rounds = self.devices = self.receipts = self.disturbed = 0
        self.kills, self.since_start = {}, 0
        self.spans = [0.3]  # seconds that the work of a round took, without the restarts
        self.killed = threading.Event()
        os.mkdir(self.factory.path("received"))

    # --- the killer

    def pids_of(self, victim):
        if victim == "parent":
            return [self.factory.server.pid]
        return [pid for pid, role in self.factory.processes().items() if role == victim]

    def kill(self, victim):
        pids = self.pids_of(victim)
        if not pids:
            return  # it is just being started
        try:
            os.kill(self.random.choice(pids), signal.SIGKILL)
        except ProcessLookupError:
            return
        self.kills[victim] = self.kills.get(victim, 0) + 1
        self.since_start += 1
        if victim == "parent":
            self.since_start = 0
            self.factory.server.wait(timeout=DEADLINE_S)
            self.factory.start_only()  # at once, as a supervisor does

    def kill_meanwhile(self):
        """One or two, at moments within the time that the round needs."""
        span = sorted(self.spans)[len(self.spans) // 2]
        for _ in range(1 if self.random.random() < 0.8 else 2):
            time.sleep(self.random.random() * span)
            self.kill(self.random.choice(VICTIMS))

    # --- rounds

    def round(self):
        self.rounds += 1
        quota = self.random.randint(1, 3)
        if self.rounds % 10 == 0:
            made = self.real_round(quota)
        else:
            made = self.our_round(quota)
        until(self.factory.is_ready, "it serves again")
        self.check(quota, made)
        self.devices += quota
        if self.since_start >= 2:  # its pauses before a restart double: begin anew
            assert self.factory.stop() == 0
            self.factory.start()
            self.since_start = 0

    def order(self, quota, stations, product="soft", release="soft-1"):
        names = "[" + ", ".join(f'"{name}"' for name in stations) + "]"
        return self.factory.order(product, release, quota=quota, stations=names)

    def our_round(self, quota):
        self.name = self.order(quota, self.names)
        racers = [Racer(self, name, self.random.random()) for name in self.names]
        barrier, failed = threading.Barrier(STATIONS + 1), []

        def work(racer):
            try:
                barrier.wait(timeout=DEADLINE_S)
                racer.run(self.name)
            except BaseException as error:  # told by the main thread
                failed.append((racer.name, error))
        threads = [threading.Thread(target=work, args=(racer,)) for racer in racers]
        for thread in threads:
            thread.start()
        barrier.wait(timeout=DEADLINE_S)
        began = time.monotonic()
        if self.rounds > 2:
            self.kill_meanwhile()
        for thread in threads:
            thread.join(timeout=2 * DEADLINE_S)
            assert not thread.is_alive(), "a station hangs\n" + self.factory.tail()
        assert not failed, f"seed {self.seed} round {self.rounds}: {failed}\n{self.factory.tail()}"
        if self.rounds <= 2:
            self.spans.append(time.monotonic() - began)
        self.disturbed += any(racer.lost for racer in racers)
        made = {}
        for racer in racers:
            assert racer.made or racer.refused == USED_UP, racer.refused
            if racer.made:
                made[racer.device.id] = sha256(racer.device.stamp)
                self.keep(racer)
        return made

    def keep(self, racer):
        """Every receipt is verified now, and kept for the audit at the end."""
        issued, confirmed = cbor2.loads(racer.made[0]), cbor2.loads(racer.made[1])
        for what, entry, receipt in (("issue", issued[2], issued[3]),
                                     ("confirm", confirmed[1], confirmed[2])):
            self.factory.log.receipt(receipt, entry)
            name = f"received/{racer.device.id.hex()[:16]}.{what}"
            self.factory.write(name + ".entry", entry)
            self.factory.write(name + ".tlog-proof", receipt)
            self.receipts += 1
        self.factory.write(f"received/{racer.device.id.hex()[:16]}.der", racer.content[9])

    # --- rounds of real stations

    def set_up_real(self):
        """A product for virtual devices, and a configuration for each station."""
        self.factory.write("race-1.bin", b"a firmware")
        _, _, family = self.factory.fab("--family", "imx8", release="race-1")
        self.factory.product("race", "imx-mp", "pinned", f'    pinned: ["{family}"]\n')
        self.factory.release("race-1", "race", image=b"a firmware")
        yaml = self.factory.read("station.yaml").decode()
        for name in self.names:
            mine = yaml.replace("BENCH", name).replace('"journal"', f'"journal-{name}"') \
                .replace('"records"', '"received"').replace("slot-0", "slot-" + name)
            self.factory.write(f"station-{name}.yaml", mine)

    def insert(self, name, chip):
        """A chip into the fixture of a station, once the station is there."""
        link = f"slot-{name}.sock"
        until(lambda: os.path.exists(self.factory.path(link)), "the station's slot")
        return subprocess.Popen(
            [VDEVICE, "run", "--dir", chip, "--link", "unix:" + link, "--quiet"],
            cwd=self.factory.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def real_round(self, quota):
        if self.rounds == 10:
            self.set_up_real()
        chips = {name: self.factory.fab("--family", "imx8", release="race-1")
                 for name in self.names}
        self.name = self.order(quota, self.names, "race", "race-1")
        log = open(self.factory.path("stations.log"), "ab")
        stations = {name: subprocess.Popen(
            [STATION, "run", self.name, "--config", f"station-{name}.yaml", "--units", "1",
             "--json"], cwd=self.factory.dir, env=self.factory.env, stdout=log, stderr=log)
            for name in self.names}
        log.close()
        devices = {name: self.insert(name, chips[name][0]) for name in self.names}
        self.kill_meanwhile()
        made = {}
        for name in self.names:
            stations[name].wait(timeout=2 * DEADLINE_S)
            devices[name].wait(timeout=DEADLINE_S)
            shown = json.loads(self.factory.run(
                VDEVICE, "show", "--dir", chips[name][0], "--json").stdout)
            if shown["state"] == "complete":
                made[bytes.fromhex(chips[name][1])] = bytes.fromhex(shown["stamp"])
                self.receipts += 2
        return made

    # --- the books

    def check(self, quota, made):
        where = f"seed {self.seed} round {self.rounds} ({self.name})\n"
        assert len(made) == quota, where + f"{len(made)} devices of {quota}\n" \
            + self.factory.tail()
        shown = until(lambda: self.shown(), "it serves")
        assert [shown[k] for k in ("quota", "used", "confirmed", "reserved", "left")] == \
            [quota, quota, quota, 0, 0], where + str(shown)
        assert self.in_database() == made, where + "database"
        until(lambda: self.in_ledger(made), where + "ledger")

    def shown(self):
        try:
            return self.planner.json("/v1/order/" + self.name)
        except OSError:
            self.planner.connection = None
            return None

    def in_database(self):
        """device id -> digest of its stamp, of this order."""
        db = sqlite3.connect(f"file:{self.factory.path('state/hallmark.db')}?mode=ro", uri=True)
        try:
            rows = db.execute(
                "SELECT device_id, stamp FROM device JOIN object ON object.id = device.book"
                " WHERE object.kind = 3 AND object.name = ? AND stamp IS NOT NULL"
                " AND state = 3", (self.name,)).fetchall()
            others = db.execute(
                "SELECT count(*) FROM device JOIN object ON object.id = device.book"
                " WHERE object.name = ? AND state <> 3", (self.name,)).fetchone()[0]
        finally:
            db.close()
        assert others == 0, f"{others} devices of {self.name} are not confirmed"
        return dict(rows)

    def in_ledger(self, made):
        """Issued and confirmed are these; False while the files are still being written."""
        ledger = self.factory.ledger()
        issued = {e[4]: e[12] for e in ledger.of(ISSUE) if e[1] == self.name}
        confirmed = {e[3]: e[4] for e in ledger.of(CONFIRM) if e[1] == self.name}
        assert set(issued) <= set(made), "a record without a device"
        return issued == made and confirmed == made

    def finish(self):
        """Stop, and audit the whole; what was counted."""
        assert self.factory.stop() == 0
        verdict = self.factory.audit("--records", "received")
        assert verdict["consistent"] and verdict["findings"] == [], verdict
        assert verdict["receipts"] == self.receipts == 2 * self.devices, verdict["receipts"]
        assert verdict["certificates"] == self.devices
        assert verdict["alarms"] == 0
        return {"rounds": self.rounds, "stations": STATIONS, "devices": self.devices,
                "receipts": self.receipts, "entries": verdict["entries"], "kills": self.kills,
                "disturbed": self.disturbed, "seed": self.seed}

    def close(self):
        self.factory.close()


def run(rounds, seed):
    race = Race(seed)
    try:
        for _ in range(rounds):
            race.round()
        return race.finish()
    finally:
        race.close()
