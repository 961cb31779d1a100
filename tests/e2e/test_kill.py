# SPDX-License-Identifier: Apache-2.0
"""Fifty kills, and nothing is lost or made twice

While a station with four slots makes devices, one process after the other is killed without
a warning: the server's parent, a front, the keeper, the signer, the station, one of its
slots. An operator puts devices in again until they pass. In the end the books agree: each
device has a record, each record a device, and the order is used up exactly.
"""
import json, os, pathlib, random, signal, subprocess, time

import pytest

from counterpart import CONFIRM, ISSUE
from line import STATION, VDEVICE, Refused, running_factory, until

SEED = int(os.environ.get("KILL_SEED", "20311"))
KILLS, DEVICES, SLOTS = 50, 110, 4
DEADLINE_S = 240
VICTIMS = ["parent", "front", "keeper", "signer", "station", "slot"]


@pytest.fixture(scope="module")
def killing():
    factory = running_factory(slots=SLOTS)
    yield Killing(factory)
    factory.close()


class Killing:
    """Chips, the operator's hands, and whoever kills."""

    def __init__(self, factory):
        self.factory, self.random = factory, random.Random(SEED)
        factory.write("thermo-1.bin", b"a firmware")
        _, _, family = factory.fab("--family", "imx8")
        factory.product("thermo", "imx-mp", "pinned", f'    pinned: ["{family}"]\n')
        factory.release("thermo-1", "thermo", image=b"a firmware")
        self.order = factory.order("thermo", "thermo-1", quota=DEVICES, prefix="K-")
        self.chips = {}
        for _ in range(DEVICES):
            chip, device_id, _ = factory.fab("--family", "imx8")
            self.chips[chip] = device_id
        self.todo, self.inside = list(self.chips), {}
        self.station, self.planner = None, factory.client("planner")
        self.kills, self.passed, self.begun = {}, set(), set()

    # --- the operator

    def start_station(self):
        log = open(self.factory.path("station.log"), "ab")
        self.station = subprocess.Popen(
            [STATION, "run", self.order, "--config", "station.yaml", "--json"],
            cwd=self.factory.dir, env=self.factory.env, stdout=log, stderr=log)
        log.close()

    def next_chip(self):
        """One that was in already, or a new one: so many that work is left for each kill."""
        again = [chip for chip in self.todo if chip in self.begun]
        share = DEVICES * (sum(self.kills.values()) + 1) // (KILLS + 1)
        new = self.todo if len(self.begun) < share else []
        return next(iter(again + new), None)

    def is_recorded(self, chip):
        """A device is complete before the station has heard of it: then it goes in again."""
        shown = subprocess.run([VDEVICE, "show", "--dir", chip, "--json"], check=True,
                               capture_output=True, cwd=self.factory.dir).stdout
        return os.path.exists(self.factory.path(
            f"records/{json.loads(shown)['serial']}.confirm.tlog-proof"))

    def operate(self):
        """Look at every slot once."""
        for slot in range(SLOTS):
            chip, process = self.inside.get(slot, (None, None))
            if process is not None and process.poll() is None:
                continue
            if process is not None and process.returncode == 0 and self.is_recorded(chip):
                self.passed.add(chip)
            elif chip:
                self.todo.append(chip)  # to be put in again
            self.inside.pop(slot, None)
            link = f"slot-{slot}.sock"
            if os.path.exists(self.factory.path(link)) and (chip := self.next_chip()):
                self.todo.remove(chip)
                self.begun.add(chip)
                self.inside[slot] = chip, subprocess.Popen(
                    [VDEVICE, "run", "--dir", chip, "--link", "unix:" + link, "--quiet"],
                    cwd=self.factory.dir, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)
        if self.station.poll() is not None:
            self.start_station()

    # --- the killer

    def pids_of(self, victim):
        if victim == "parent":
            return [self.factory.server.pid]
        if victim == "station":
            return [self.station.pid]
        if victim == "slot":
            return [int(p) for p in pathlib.Path(
                f"/proc/{self.station.pid}/task/{self.station.pid}/children")
                .read_text().split()]
        return [pid for pid, role in self.factory.processes().items() if role == victim]

    def kill(self, victim):
        pids = self.pids_of(victim)
        if not pids:
            return False  # it is just being started
        os.kill(self.random.choice(pids), signal.SIGKILL)
        self.kills[victim] = self.kills.get(victim, 0) + 1
        if victim == "parent":
            self.factory.server.wait(timeout=DEADLINE_S)
            self.factory.start_only()
        if victim == "station":
            self.station.wait(timeout=DEADLINE_S)
            self.start_station()
        return True

    def entries(self):
        """How far the ledger is, if the server answers."""
        try:
            return self.planner.json("/healthz")["entries"]
        except OSError:
            return None
        except Refused as refused:
            assert refused.status == 503, refused
            return None

    def rest(self, end):
        while len(self.passed) < DEVICES:
            assert time.monotonic() < end, self.where()
            self.operate()
            time.sleep(0.01)

    def where(self):
        return (f"server {self.factory.server.poll()} {self.factory.processes()}, "
                f"station {self.station.poll()}, {len(self.passed)} of {DEVICES} passed, {self.kills}\n" +
                self.factory.tail() +
                self.factory.read("station.log").decode()[-2000:])

    def work_goes_on(self, end):
        """Until the ledger has grown, and then a little longer."""
        before = None
        while True:
            assert time.monotonic() < end, self.where()
            self.operate()
            now = self.entries()
            if before is None:
                before = now
            elif now is not None and now > before:
                break
            if not self.inside and self.next_chip() is None:
                break  # it was too fast for us
            time.sleep(0.01)
        more = time.monotonic() + self.random.random() * 0.1
        while time.monotonic() < more:
            self.operate()
            time.sleep(0.005)

    def run(self):
        """Each victim as often as the others, in random order."""
        victims = (VICTIMS * KILLS)[:KILLS]
        self.random.shuffle(victims)
        end = time.monotonic() + DEADLINE_S
        self.start_station()
        for victim in victims:
            self.work_goes_on(end)
            while not self.kill(victim):
                assert time.monotonic() < end, self.where()
                self.operate()
                time.sleep(0.01)
        assert len(self.passed) < DEVICES, "the last kills hit nobody at work"
        self.rest(end)
        self.station.send_signal(signal.SIGTERM)
        self.station.wait(timeout=DEADLINE_S)


def test_fifty_kills(killing):
    factory, began = killing.factory, time.monotonic()
    print(f"seed {SEED}")
    killing.run()
    print(f"{killing.kills} in {time.monotonic() - began:.0f} s")
    assert sum(killing.kills.values()) == KILLS
    shown = until(lambda: killing.planner.json("/v1/order/" + killing.order), "it serves")
    assert [shown[k] for k in ("quota", "used", "confirmed", "reserved", "left")] == \
        [DEVICES, DEVICES, DEVICES, 0, 0]
    check_devices(killing)
    check_ledger(killing)
    assert factory.stop() == 0
    verdict = factory.audit("--records", "records")
    assert verdict["consistent"] and verdict["findings"] == [] and verdict["alarms"] == 0
    assert verdict["certificates"] == DEVICES and verdict["receipts"] == 2 * DEVICES


def check_devices(killing):
    """What the chips hold, the station's folder and the server say is the same."""
    serials = set()
    for chip, device_id in killing.chips.items():
        shown = json.loads(killing.factory.run(VDEVICE, "show", "--dir", chip, "--json").stdout)
        assert shown["state"] == "complete" and shown["device_id"] == device_id
        known = killing.planner.json("/v1/device/" + device_id)
        assert known["state"] == "confirmed" and known["serial"] == shown["serial"]
        assert known["stamp_sha256"] == shown["stamp"]
        serials.add(shown["serial"])
    assert serials == {f"K-{n:06}" for n in range(1, DEVICES + 1)}
    records = [name for name in os.listdir(killing.factory.path("records"))
               if not name.startswith(".")]  # half-written when a slot was killed
    assert {name[:-4] for name in records if name.endswith(".der")} == serials
    assert len(records) == 5 * DEVICES, sorted(records)[:20]


def check_ledger(killing):
    ids = {bytes.fromhex(device_id) for device_id in killing.chips.values()}

    def whole():
        ledger = killing.factory.ledger()
        return ledger if len(ledger.of(CONFIRM)) == DEVICES else None
    ledger = until(whole, "the ledger is published")
    issued, confirmed = ledger.of(ISSUE), ledger.of(CONFIRM)
    assert len(issued) == DEVICES and {e[4] for e in issued} == ids
    assert {e[3] for e in confirmed} == ids
