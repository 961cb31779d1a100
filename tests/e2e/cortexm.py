# SPDX-License-Identifier: Apache-2.0
"""cortexm - Cortex-M machines on a line: chips on QEMU's boards, their life, and their order

The firmware is real and was cross-compiled; a machine's flash is a file that outlives it.
"""
import json, os, pathlib, random, re, signal, socket, subprocess, time

from cryptography.hazmat.primitives import serialization

from counterpart import sha256
from line import BUILD, STATION, VDEVICE, running_factory

FIRMWARE = pathlib.Path(BUILD) / "device/firmware"
BOARDS = "an385", "an505"
DONE, HOLD, CUT = 0, 13, 85  # exit statuses of a machine: done, lost power, lost it on order
NO_IMAGE = 5  # of the firmware: its boot loader has found nothing to start
LIFE, SLOT_A, SLOT_B = 0x200, 0x30000, 0x80000  # device/port/mps2/map.h


class Machine:
    """One board, in a slot or out of it."""

    def __init__(self, bench, chip, device_id):
        self.bench, self.chip, self.device_id = bench, chip, device_id
        self.process, self.starts, self.kills, self.status = None, 0, 0, None
        self.cuts, self.plan = 0, []  # of its next starts: the faults of each

    def insert(self, slot):
        faults = self.plan.pop(0) if self.plan else ()
        words = [word for fault in faults for word in ("--fault", fault)]
        self.starts += 1
        self.process = subprocess.Popen(
            [VDEVICE, "run", "--dir", self.chip, "--link", f"unix:slot-{slot}.sock", "--quiet",
             *words], cwd=self.bench.factory.dir, stdout=subprocess.DEVNULL,
            stderr=self.bench.log)

    def off(self):
        """Power goes."""
        if self.process is not None:
            self.kill()
            self.process.kill()
            self.process.wait(timeout=60)
            self.process = None

    def is_in(self):
        if self.process is not None and self.process.poll() is not None:
            self.status, self.process = self.process.returncode, None
            self.cuts += self.status == CUT
        return self.process is not None

    def flip(self, at, mask=0xff):
        """Other bits in its flash, as whoever holds it in his hands can make them."""
        with open(self.chip + "/flash.img", "r+b") as flash:
            flash.seek(at)
            byte = flash.read(1)[0]
            flash.seek(at)
            flash.write(bytes([byte ^ mask]))

    def talk(self, *faults, burn_locked=False):
        """Start it without a station: (the firmware's status, what it says on its line)."""
        if burn_locked:
            self.flip(LIFE + 8)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            words = [word for fault in faults for word in ("--fault", fault)]
            process = subprocess.Popen(
                [VDEVICE, "run", "--dir", self.chip, "--link", f"fd:{theirs.fileno()}",
                 "--json", *words], pass_fds=[theirs.fileno()], stdout=subprocess.PIPE,
                stderr=self.bench.log)
            theirs.close()
            ours.settimeout(60)
            said = b"".join(iter(lambda: ours.recv(4096), b""))
            out, _ = process.communicate(timeout=60)
        return json.loads(out)["status"], said

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


def public_der(factory, name):
    key = serialization.load_pem_private_key(factory.read(name), None)
    return key.public_key().public_bytes(serialization.Encoding.DER,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)


class Works:
    """A folder with a key and images for one board; machines are made in it. `others` has the
    programs that are built otherwise: {"boot": "boot-mbedtls"}."""

    def __init__(self, board, factory, others={}):
        self.board, self.factory, self.others = board, factory, others
        self.log = open(self.factory.path("machines.log"), "ab")
        self.machines = []
        self.factory.run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout",
                         "-out", "image.pem")
        self.factory.run("openssl", "ec", "-in", "image.pem", "-pubout", "-out", "image.pub")
        self.sign("manufacture", "0.1.0", "--custom-tlv", "0x48a0=0x66")
        self.sign("product-1b", "1.0.0")

    def sign(self, program, version, *words, key="image.pem", counter=1, payload=None):
        self.factory.hallmark(
            "image", "sign", "--format", "mcuboot", "--key", key, "--image-version", version,
            "--security-counter", str(counter), "--header-size", "0x200", "--pad-header",
            "--align", "8", "--public-key-format", "full", *words, "--output", program + ".img",
            payload or f"{FIRMWARE}/{self.board}-{self.others.get(program, program)}.bin")

    def fab(self, first="m-1", second="product-1b"):
        return self.factory.fab(
            "--family", "m", "--board", self.board, "--start",
            f"{FIRMWARE}/{self.board}-{self.others.get('boot', 'boot')}.elf", "--second",
            second + ".img", "--boot-key",
            sha256(public_der(self.factory, "image.pem")).hex(), release=first)[:2]

    def close(self):
        for machine in self.machines:
            machine.off()
        self.log.close()
        self.factory.close()


class Bench(Works):
    """A factory, an order, and the machines for it."""

    def __init__(self, board, machines, slots, others={}, quota=None, patient=False):
        super().__init__(board, running_factory(slots=slots), others)
        self.slots = slots
        if patient:  # so many share the host's processors
            with open(self.factory.path("station.yaml"), "a", encoding="ascii") as file:
                file.write("device_timeout_ms: 600000\n")
        self.factory.write("m-0.bin", b"")
        _, _, family = self.factory.fab("--family", "m", release="m-0")
        self.factory.product("m", "imx-mp", "pinned", f'    pinned: ["{family}"]\n')
        self.factory.release("m-1", "m", "prod", 1, self.factory.read("manufacture.img"),
                             "--prod-key", "image.pub")
        self.order = self.factory.order("m", "m-1", quota=quota or machines, prefix="M-")
        self.machines = [Machine(self, *self.fab()) for _ in range(machines)]
        self.station = None

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
            time.sleep(0.01 if self.slots <= 8 else 0.1)  # we only look again
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
        if self.station is not None and self.station.poll() is None:
            self.station.kill()
            self.station.wait(timeout=60)
        super().close()


def emulate(board, chip, start, *words, **options):
    """A program on a chip that nobody else runs: what it reports, {name: number}."""
    done = subprocess.run(
        ["qemu-system-arm", "-M", f"mps2-{board},memory-backend=flash", "-object",
         "memory-backend-file,id=flash,size=16M,share=on,mem-path=" + chip + "/flash.img",
         "-display", "none", "-nodefaults", "-monitor", "none", "-semihosting-config", "enable=on,"
         "target=native,arg=fw,arg=report=1,arg=exit=1", "-kernel", start, *words],
        stderr=subprocess.PIPE, timeout=300, check=False, **options)
    assert done.returncode == 0, (done.returncode, done.stderr)
    return {row[0].decode(): int(row[1]) for row in
            re.findall(rb"^(\w+) (\d+)$", done.stderr, re.MULTILINE)}


def killer(seed, kills, pause_s=(0.01, 0.15)):
    """Takes the power of a machine that is in a slot, now and then, so many times."""
    chance = random.Random(seed)
    state = {"left": kills, "next": time.monotonic()}

    def step(bench):
        if state["left"] == 0 or time.monotonic() < state["next"]:
            return
        at_work = [machine for machine in bench.machines if machine.is_in()]
        if at_work and chance.choice(at_work).kill():
            state["left"] -= 1
        state["next"] = time.monotonic() + chance.uniform(*pause_s)
    return step
