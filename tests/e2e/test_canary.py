# SPDX-License-Identifier: Apache-2.0
"""A device's secrets are nowhere but in the device and in the signer

A real station makes virtual devices while wire, TLS, device link and the memory of every
process are recorded. Then what the devices received is looked for in all that, in every file
of server and station, and, when all is done, in the signer too. The PIN likewise, which
parent and signer keep. (Values of kind literal and certificate are no secrets: they stand in the
product, which everybody may read.)
"""
import os, pathlib, resource, signal, subprocess

import pytest

from counterpart import uncobs
from line import SECRETS, STATION, VDEVICE, running_factory, until
from tap import Sampler, Sniffer, children_of, link_tap, memory_of, tls_tap

DEVICES, SLOTS = 12, 2
IS_ROOT = os.geteuid() == 0
for_root = pytest.mark.skipif(not IS_ROOT, reason="only root may look there")
UNLIMITED = resource.RLIM_INFINITY


class Line:
    """The factory, its station, and what was seen while they worked."""

    def __init__(self):
        factory = self.factory = running_factory(slots=SLOTS)
        factory.product("thermo", "imx-mp", "enrolled", secrets_yaml=SECRETS + """  - name: "tls-key"
    kind: key
""")
        factory.release("thermo-1", "thermo", image=b"firmware of a thermometer")
        self.made = [factory.fab() for _ in range(DEVICES)]
        factory.enrol("thermo", *[key for _, _, key in self.made])
        self.order = factory.order("thermo", "thermo-1", quota=DEVICES)
        self.tls, self.port = tls_tap(factory)
        text = factory.read("station.yaml").decode()
        factory.write("station.yaml", text.replace(f":{factory.port}", f":{self.port}"))
        self.start_station()
        self.links = [link_tap(factory.path(f"tap-{n}.sock"), factory.path(f"slot-{n}.sock"))
                      for n in range(SLOTS)]
        if IS_ROOT:
            with Sniffer(factory.port, self.port) as self.wire, \
                    Sampler(self.processes) as self.memory:
                self.make_all()
                until(lambda: min(self.memory.counts.values()) >= 8, "memory has been looked at")
        else:
            self.make_all()

    def start_station(self):
        """With all that it can be made to say, and with core dumps if it lets itself."""
        with open(self.factory.path("station.log"), "ab") as log:
            self.station = subprocess.Popen(
                [STATION, "-vv", "run", self.order, "--config", "station.yaml", "--json"],
                cwd=self.factory.dir, env=self.factory.env, stdout=log, stderr=log,
                preexec_fn=allow_cores)
        for slot in range(SLOTS):
            until(lambda s=slot: os.path.exists(self.factory.path(f"slot-{s}.sock")), "a slot")

    def make_all(self):
        waiting, inside = list(self.made), {}

        def turn():
            for slot in range(SLOTS):
                process = inside.get(slot)
                if process is not None and process.poll() is None:
                    continue
                assert process is None or process.returncode == 0
                inside.pop(slot, None)
                if waiting:
                    chip, _, _ = waiting.pop(0)
                    inside[slot] = subprocess.Popen(
                        [VDEVICE, "run", "--dir", chip, "--link", f"unix:tap-{slot}.sock",
                         "--quiet"], cwd=self.factory.dir, stdout=subprocess.DEVNULL)
            return not waiting and not inside
        until(turn, "all devices are made")

    def processes(self):
        """pid -> role of all that are looked at, the signer too."""
        found = {self.factory.server.pid: "parent", self.station.pid: "station",
                 **self.factory.processes()}
        try:
            found |= {pid: "slot" for pid in children_of(self.station.pid)}
        except FileNotFoundError:
            pass
        return found

    def show(self, chip, name):
        out = self.factory.path("secret")
        self.factory.run(VDEVICE, "show", "--dir", chip, "--secret", name, "--out", out)
        value = pathlib.Path(out).read_bytes()
        os.unlink(out)
        return value

    def canaries(self):
        """name -> the bytes of every secret, and how else they may be written down."""
        found = {}
        for number, (chip, _, _) in enumerate(self.made):
            for name in "disk-key", "fleet-key", "tls-key":
                value = self.show(chip, name)
                if name == "tls-key":
                    value = value[7:39]  # the scalar of SEC1
                found[f"{name} {number}"] = value
                found[f"{name} {number} in hex"] = value.hex().encode()
        return found

    def close(self):
        self.station.terminate()
        self.station.wait(timeout=60)
        self.factory.close()


def allow_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (UNLIMITED, UNLIMITED))


@pytest.fixture(scope="module")
def line():
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard == UNLIMITED:
        allow_cores()  # the server inherits it
    made = Line()
    yield made
    made.close()
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.fixture(scope="module")
def secrets(line):
    found = line.canaries()
    assert len(found) == 2 * 3 * DEVICES
    assert len({value for name, value in found.items() if name.startswith("disk")}) == 2 * DEVICES
    assert found["fleet-key 0"] == line.factory.fleet_key
    return found


def assert_none(secrets, places, where):
    for name, value in secrets.items():
        for place in places:
            assert value not in place, f"{name} in {where}"


def files_of(factory):
    """All but the devices themselves and the token."""
    for root, folders, names in os.walk(factory.dir):
        folders[:] = [f for f in folders if not f.startswith(("tokens", "chip"))]
        for name in names:
            if os.path.isfile(os.path.join(root, name)):
                yield os.path.join(root, name)


def test_secrets_are_in_no_file(line, secrets):
    """Database, its log and shared memory, ledger, journals, records, logs, configuration."""
    factory, looked_at = line.factory, []
    for path in files_of(factory):
        looked_at.append(os.path.relpath(path, factory.dir))
        assert_none(secrets, [pathlib.Path(path).read_bytes()], path)
    for expected in ("state/hallmark.db", "state/hallmark.db-wal", "state/hallmark.db-shm",
                     "hallmarkd.log", "station.log", "state/ledger/checkpoint"):
        assert expected in looked_at
    assert sum(name.startswith("journal/") for name in looked_at) >= DEVICES
    assert sum(name.startswith("records/") for name in looked_at) == 5 * DEVICES


def test_codes_are_in_no_text(line):
    """Passcodes are short, so they are looked for where nothing is random."""
    for chip, _, _ in line.made:
        code = line.show(chip, "setup-code")
        assert len(code) == 8 and code.isdigit()
        for name in "hallmarkd.log", "station.log":
            assert code not in line.factory.read(name)


@for_root
def test_secrets_are_on_no_wire(line, secrets):
    flows = line.wire.seen()
    assert sum(b"\x16\x03\x01" in flow[:16] for flow in flows) >= 2  # a ClientHello
    assert sum(map(len, flows)) > DEVICES * 4096
    assert_none(secrets, flows, "the packets of the loopback")


def test_secrets_are_in_no_message_within_tls(line, secrets):
    """Whoever reads along at the station's end of TLS sees ciphertext."""
    seen = line.tls.seen()
    assert sum(part.count(b"POST /v1/issue ") for part in seen) == DEVICES
    for _, device_id, _ in line.made:
        assert any(bytes.fromhex(device_id) in part for part in seen)
    assert_none(secrets, seen, "what station and server say")


def test_secrets_are_on_no_link_to_a_device(line, secrets):
    """Neither in the bytes nor in what the frames hold, both ways."""
    seen = [part for tap in line.links for part in tap.seen()]
    inside = [b"".join(uncobs(frame) for frame in part.split(b"\0")) for part in seen]
    for _, device_id, _ in line.made:
        assert any(bytes.fromhex(device_id) in part for part in inside)
    assert_none(secrets, seen + inside, "the link to the device")


WALLED = ("parent", "front", "keeper", "station", "slot")


@for_root
@pytest.mark.parametrize("role", WALLED)
def test_secrets_are_in_no_memory_while_devices_are_made(line, secrets, role):
    """Images of all processes, one after the other, as fast as they can be read."""
    seen = line.memory.seen(role)
    print(f"{role}: {line.memory.counts[role]} images, {len(seen) >> 20} MiB of different pages")
    assert line.memory.counts[role] >= 8 and len(seen) > 1 << 20
    if role in ("slot", "keeper", "front"):  # we look in the right place at the right time
        known = sum(bytes.fromhex(device_id) in seen for _, device_id, _ in line.made)
        assert known > DEVICES // 2, known
    assert_none(secrets, [seen], f"the memory of {role}")


@for_root
@pytest.mark.parametrize("role", WALLED + ("signer",))
def test_secrets_are_in_no_memory_afterwards(line, secrets, role):
    """The signer had them, and wiped them."""
    for pid in [pid for pid, name in line.processes().items() if name == role]:
        image = list(memory_of(pid))
        assert sum(map(len, image)) > 1 << 20
        assert_none(secrets, image, f"the memory of {role}")


@for_root
def test_the_pin_is_in_the_memory_of_two_alone(line):
    """The parent keeps it for the next start of the signer, the signer for a token that comes
    back."""
    pin = line.factory.read("pin")
    so_pin = line.factory.read("so-pin")
    for role in WALLED + ("signer",):
        seen = line.memory.seen(role)
        assert (pin in seen) == (role in ("parent", "signer")), role
        assert so_pin not in seen, role


def test_the_pin_is_in_no_argument_or_environment(line):
    factory = line.factory
    pin = factory.read("pin")
    for pid in [factory.server.pid, *factory.processes()]:
        for name in "cmdline", "environ":
            try:
                assert pin not in pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
            except PermissionError:
                assert name == "environ" and not IS_ROOT
    for name in "hallmarkd.log", "station.log":
        assert pin not in factory.read(name)


# --- cores; last, for it kills -----------------------------------------------------------

CORE_PATTERN = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()


def cores(factory):
    return {path for path in files_of(factory) if os.path.basename(path).startswith("core")}


def test_a_core_would_be_found_here(line):
    """An ordinary process leaves one in this folder: so the next test can fail."""
    if not CORE_PATTERN.startswith("core"):
        pytest.skip(f"this machine puts cores elsewhere: {CORE_PATTERN}")
    done = subprocess.Popen(["/bin/sleep", "60"], cwd=line.factory.dir)
    os.kill(done.pid, signal.SIGSEGV)
    done.wait()
    found = cores(line.factory)
    assert found
    for path in found:
        os.unlink(path)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
@pytest.mark.parametrize("role", ["front", "keeper", "signer", "slot", "station", "parent"])
def test_no_process_leaves_a_core(line, role, number):
    """Whatever limit it was started with, it gave up its cores itself."""
    factory = line.factory
    if line.station.poll() is not None:
        line.start_station()
    victims = until(lambda: [pid for pid, name in line.processes().items() if name == role],
                    "it has been started")
    for pid in victims:
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        line_of = next(text for text in limits.splitlines() if text.startswith("Max core"))
        assert line_of.split()[4:6] == ["0", "0"], role
        assert os.stat(f"/proc/{pid}/mem").st_uid == 0  # not dumpable
    children = list(factory.processes())
    os.kill(victims[0], number)
    if role in ("station", "parent"):
        process = line.station if role == "station" else factory.server
        status = os.waitpid(process.pid, 0)[1]
        process.returncode = os.waitstatus_to_exitcode(status)
        assert not os.WCOREDUMP(status)
    else:
        until(lambda: victims[0] not in line.processes(), "it has ended")
    if role == "parent":
        until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children),
              "the others have ended")
        factory.start()
    factory.wait_ready()
    assert cores(factory) == set()
