# SPDX-License-Identifier: Apache-2.0
"""cortexm - Cortex-M machines on a line: chips on QEMU's boards, their life, and their order

The firmware is real and was cross-compiled; a machine's flash is a file that outlives it.
"""
import os, pathlib, random, signal, subprocess, time

from line import BUILD, STATION, VDEVICE, running_factory

FIRMWARE = BUILD + "/device/firmware"
BOARDS = "an385", "an505"
DONE, HOLD, CUT = 0, 13, 85  # exit statuses of a machine: done, lost power, lost it on order


class Machine:
    """One board, in a slot or out of it."""

    def __init__(self, bench, chip, device_id):
        self.bench, self.chip, self.device_id = bench, chip, device_id
        self.process, self.starts, self.kills, self.status = None, 0, 0, None

    def insert(self, slot, *faults):
        words = [word for fault in faults for word in ("--fault", fault)]
        self.starts += 1
        self.process = subprocess.Popen(
            [VDEVICE, "run", "--dir", self.chip, "--link", f"unix:slot-{slot}.sock", "--quiet",
             *words], cwd=self.bench.factory.dir, stdout=subprocess.DEVNULL,
            stderr=self.bench.log)

    def is_in(self):
        if self.process is not None and self.process.poll() is not None:
            self.status, self.process = self.process.returncode, None
        return self.process is not None

    def kill(self):
        """SIGKILL for the emulator: power goes, at whatever instruction it is."""
        pid = self.process.pid
        try:
            child = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
            if not pathlib.Path(f"/proc/{child}/comm").read_text().startswith("qemu"):
                return False  # not yet begun; or it has ended, and leaks are looked for
            os.kill(int(child), signal.SIGKILL)
        except (OSError, IndexError):
            return False
        self.kills += 1
        return True


class Bench:
    """A factory, an order, and the machines for it."""

    def __init__(self, board, machines, slots):
        self.factory = running_factory(slots=slots)
        self.board, self.slots = board, slots
        self.log = open(self.factory.path("machines.log"), "ab")
        image = pathlib.Path(f"{FIRMWARE}/{board}-manufacture.bin").read_bytes()
        self.factory.write("m-1.bin", image)
        _, _, family = self.factory.fab("--family", "m", release="m-1")
        self.factory.product("m", "imx-mp", "pinned", f'    pinned: ["{family}"]\n')
        self.factory.release("m-1", "m", image=image)
        self.order = self.factory.order("m", "m-1", quota=machines, prefix="M-")
        self.machines = [Machine(self, *self.fab()) for _ in range(machines)]
        self.station = None

    def fab(self):
        return self.factory.fab("--family", "m", "--board", self.board, "--start",
                                f"{FIRMWARE}/{self.board}-manufacture.elf", release="m-1")[:2]

    def start_station(self):
        with open(self.factory.path("station.log"), "ab") as log:
            self.station = subprocess.Popen(
                [STATION, "run", self.order, "--config", "station.yaml", "--json"],
                cwd=self.factory.dir, env=self.factory.env, stdout=log, stderr=log)

    def make(self, within_s, step=lambda bench: None):
        """The operator's hands: each machine goes in until it is done. `step` may disturb."""
        end, inside = time.monotonic() + within_s, {}
        todo = list(self.machines)
        self.start_station()
        while todo or inside:
            assert time.monotonic() < end, self.where()
            assert self.station.poll() is None, self.where()
            for slot, machine in list(inside.items()):
                if not machine.is_in():
                    del inside[slot]
                    assert machine.status in (DONE, HOLD, CUT), self.where()
                    if machine.status != DONE:
                        todo.append(machine)
            for slot in set(range(self.slots)) - set(inside):
                if todo and os.path.exists(self.factory.path(f"slot-{slot}.sock")):
                    inside[slot] = todo.pop(0)
                    inside[slot].insert(slot)
            step(self)
            time.sleep(0.01)  # we only look again
        self.station.send_signal(signal.SIGTERM)
        return self.station.wait(timeout=60)

    def where(self):
        return "\n".join([
            f"station {self.station.poll()}, machines " +
            str([(m.status, m.starts, m.kills) for m in self.machines]), self.factory.tail(),
            self.factory.read("station.log").decode()[-3000:],
            self.factory.read("machines.log").decode()[-2000:]])

    def check_books(self):
        """Every machine once, and nothing else."""
        shown = self.factory.client("planner").json("/v1/order/" + self.order)
        count = len(self.machines)
        assert (shown["used"], shown["confirmed"], shown["left"]) == (count, count, 0), shown
        ids = {record["device_id"] for record in self.records()}
        assert ids == {machine.device_id for machine in self.machines}
        self.factory.audit()

    def records(self):
        """What the server says of each unit that the station has a record of."""
        planner = self.factory.client("planner")
        names = {path.name.partition(".")[0]
                 for path in pathlib.Path(self.factory.path("records")).iterdir()}
        return [planner.json("/v1/device/" + name) for name in sorted(names)]

    def close(self):
        for machine in self.machines:
            if machine.is_in():
                machine.process.kill()
                machine.process.wait(timeout=60)
        if self.station is not None and self.station.poll() is None:
            self.station.kill()
            self.station.wait(timeout=60)
        self.log.close()
        self.factory.close()


def killer(seed, kills):
    """Takes the power of a machine that is in a slot, now and then, so many times."""
    chance = random.Random(seed)
    state = {"left": kills, "next": time.monotonic()}

    def step(bench):
        if state["left"] == 0 or time.monotonic() < state["next"]:
            return
        at_work = [machine for machine in bench.machines if machine.is_in()]
        if at_work and chance.choice(at_work).kill():
            state["left"] -= 1
        state["next"] = time.monotonic() + chance.uniform(0.01, 0.15)
    return step
