# SPDX-License-Identifier: Apache-2.0
"""The example firmware, built with its own Makefile and started on QEMU's micro:bit

The port is one that nobody else here uses: Cortex-M0, 16 KiB of RAM, a flash controller and a
random number generator that QEMU models, write-once rules included.
"""
import hashlib, json, pathlib, secrets, signal, socket, struct, subprocess, time

import pytest

from line import BUILD, HALLMARK, STATION, running_factory

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLE, OUT = ROOT / "examples/microbit", pathlib.Path(BUILD) / "examples/microbit"
FUSES, SLOT_A, SLOT_B, SLOT = 0x8800, 0x11000, 0x28800, 0x17800
SIZE = 256 * 1024
RAM, STACK_TOP = 0x20000000, 0x20003fc0  # board.h, memory.ld
PAINT = 0xa5  # of RAM that nobody has written since power came


def hallmark(*words, **more):
    return subprocess.run([HALLMARK, *map(str, words)], check=True, capture_output=True, timeout=120, **more)


class Board:
    """A micro:bit: QEMU from power-on to a reset or a cut, and its flash in between."""

    def __init__(self, folder):
        self.folder, self.flash = folder, bytearray(b"\xff" * SIZE)
        self.ram, self.process = b"", None

    def put(self, at, data):
        self.flash[at:at + len(data)] = data

    def power_on(self, link=None):
        """With a link, the machine connects there; without, what it says is kept."""
        (self.folder / "flash.bin").write_bytes(self.flash)
        (self.folder / "ram.bin").write_bytes(bytes([PAINT]) * (16 * 1024))
        self.qmp_path, self.uart_path = self.folder / "qmp", self.folder / "uart"
        for path in (self.qmp_path, self.uart_path):
            path.unlink(missing_ok=True)
        uart = f"socket,id=u,path={link},reconnect=1" if link else \
            f"socket,id=u,path={self.uart_path},server=on,wait=on"
        self.process = subprocess.Popen(
            ["qemu-system-arm", "-M", "microbit", "-display", "none", "-nodefaults", "-monitor", "none",
             "-kernel", self.folder / "flash.bin", "-device",
             f"loader,file={self.folder}/ram.bin,addr={RAM:#x},force-raw=on", "-chardev", uart, "-serial", "chardev:u", "-qmp",
             f"unix:{self.qmp_path},server=on,wait=off", "-no-reboot", "-no-shutdown"],
            stderr=subprocess.DEVNULL)
        self.line = None
        if not link:
            self.line = self.connect(self.uart_path)
        self.qmp = self.connect(self.qmp_path)
        self.answers = self.qmp.makefile("r")
        self.answers.readline()
        self.ask("qmp_capabilities")

    def connect(self, path):
        for _ in range(400):
            try:
                line = socket.socket(socket.AF_UNIX)
                line.connect(str(path))
                return line
            except OSError:
                time.sleep(.05)
        raise TimeoutError(path)

    def ask(self, what, **arguments):
        self.qmp.sendall(json.dumps({"execute": what, "arguments": arguments}).encode())
        while "return" not in (answer := json.loads(self.answers.readline())):
            assert "error" not in answer, answer
        return answer["return"]

    def power_off(self):
        """Now, whatever it does. What the flash has is kept, as a chip would."""
        self.ask("stop")
        self.flash, self.ram = bytearray(self.memory(0, SIZE)), self.memory(RAM, 16 * 1024)
        self.qmp.sendall(b'{"execute": "quit"}')
        assert self.process.wait(30) == 0
        self.process = None
        for line in (self.qmp, self.line):
            if line:
                line.close()

    def memory(self, at, size):
        path = self.folder / "after.bin"
        self.ask("memsave", val=at, size=size, filename=str(path), **{"cpu-index": 0})
        return path.read_bytes()

    def has_reset(self):
        return self.ask("query-status")["status"] == "shutdown"

    def is_locked(self):
        """When power was last off."""
        return self.flash[FUSES + 0x84:FUSES + 0x88] != b"\xff" * 4

    def stack_used(self, program):
        """The most since power came, when it last went: (bytes, of how many)."""
        listed = subprocess.run(["arm-none-eabi-nm", OUT / f"{program}.elf"], check=True,
                                capture_output=True, text=True).stdout
        low = next(int(line.split()[0], 16) for line in listed.splitlines() if line.endswith(" bss_end"))
        stack = self.ram[low - RAM:STACK_TOP - RAM]
        return len(stack.lstrip(bytes([PAINT]))), len(stack)

    def hears(self, words, within_s=60):
        """What the machine says, up to `words`."""
        got = b""
        self.line.settimeout(within_s)
        while words not in got:
            piece = self.line.recv(4096)
            assert piece, got
            got += piece
        return got

    def starts(self, words):
        self.power_on()
        got = self.hears(words)
        self.power_off()
        return got


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The firmware, and its images signed by the product's key."""
    folder = tmp_path_factory.mktemp("microbit")
    built = subprocess.run(["make", "-C", EXAMPLE, f"OUT={OUT}", "-j2"], capture_output=True, timeout=900)
    assert built.returncode == 0, built.stderr.decode()
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-out", folder / "key.pem"], check=True, capture_output=True)
    der = subprocess.run(["openssl", "pkey", "-in", folder / "key.pem", "-pubout", "-outform", "DER"],
                         check=True, capture_output=True).stdout
    images = {}
    for name, version, counter, slot in (("manufacture", "0.9.0", 1, SLOT_A), ("product-1", "1.0.0", 1, SLOT_B),
                                         ("product-2", "2.0.0", 2, SLOT_A), ("product-3", "3.0.0", 2, SLOT_B)):
        role = ["--custom-tlv", "0x48A0=0x66"] if name == "manufacture" else []
        hallmark("image", "sign", "--format", "mcuboot", "--key", folder / "key.pem", "--header-size", "0x200",
                 "--pad-header", "--image-version", version, "--security-counter", counter, "--rom-fixed",
                 hex(slot), "--public-key-format", "full", *role, "-o", folder / f"{name}.img",
                 OUT / f"{name}.bin")
        images[name] = folder / f"{name}.img"
    return folder, hashlib.sha256(der).digest(), images


@pytest.fixture
def board(made, tmp_path):
    """As it comes from the tester: boot loader, fuses, and the images of the first day."""
    folder, key, images = made
    board = Board(tmp_path)
    board.put(0, (OUT / "boot.bin").read_bytes())
    board.put(FUSES, secrets.token_bytes(16 + 32) + bytes([4]) + secrets.token_bytes(64))
    board.put(FUSES + 0x200, key + struct.pack("<I", 0))
    board.put(SLOT_B, images["product-1"].read_bytes())
    yield board
    if board.process:
        board.process.kill()
        board.process.wait()


def test_without_an_image_nothing_starts(board):
    board.put(SLOT_B, b"\xff" * SLOT)
    assert board.starts(b"nothing to start")


def test_the_product_starts(board):
    assert b"product 1.0.0" in board.starts(b"1.0.0")


@pytest.mark.parametrize("at", [0x1c, 0x204, 0x2000])
def test_an_altered_product_does_not_start(board, at):
    board.flash[SLOT_B + at] ^= 0x10
    assert board.starts(b"nothing to start")
    assert 256 < board.stack_used("boot")[0] <= 1536


class Life:
    """A board on a link, powered on again whenever it has reset itself or was cut off."""

    def __init__(self, board, link):
        self.board, self.link, self.starts = board, link, 0
        self.on()

    def on(self):
        self.board.power_on(self.link)
        self.starts += 1

    def cut(self):
        self.board.power_off()
        self.on()

    def while_runs(self, argv, cut_after_s=(), folder=None, within_s=180):
        """The answer of a command; power goes in between, so many seconds after each start."""
        command = subprocess.Popen([HALLMARK, *map(str, argv)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, cwd=folder)
        cuts, since, end = list(cut_after_s), time.monotonic(), time.monotonic() + within_s
        while command.poll() is None:
            assert time.monotonic() < end, command.kill()
            time.sleep(.03)
            if self.board.has_reset() or \
                    (cuts and time.monotonic() - since > cuts[0] and cuts.pop(0)):
                self.cut()
                since = time.monotonic()
        out, err = command.communicate()
        return command.returncode, out.decode(), err.decode()


def update(life, image, **more):
    return life.while_runs(["device", "update", "--link", f"unix:{life.link}", "--json", image], **more)


def test_an_update_is_sent_tried_and_kept(made, board):
    _, _, images = made
    life = Life(board, board.folder / "slot.sock")
    status, out, err = update(life, images["product-2"])
    assert status == 0, err
    assert json.loads(out)["version"].startswith("2.0.0") and life.starts == 2
    # its counter has been raised: what it replaced starts no more, and is not taken
    status, out, err = update(life, images["product-1"])
    assert status != 0 and life.starts == 2
    board.power_off()
    board.put(SLOT_A, b"\xff" * SLOT)
    assert board.starts(b"nothing to start")


def test_an_update_that_does_not_work_goes_back(made, board):
    _, _, images = made
    life = Life(board, board.folder / "slot.sock")
    assert update(life, images["product-2"])[0] == 0
    status, out, err = update(life, images["product-3"])
    assert status != 0 and life.starts == 2 + 3 + 1  # two, three trials, the old one again
    board.power_off()
    assert b"product 2.0.0" in board.starts(b"2.0.0")


def test_power_may_go_at_any_time(made, board):
    """The update goes on where it was; the board starts after each cut."""
    _, _, images = made
    life = Life(board, board.folder / "slot.sock")
    cuts = [.4 + secrets.randbelow(2000) / 1000 for _ in range(6)]
    status, out, err = update(life, images["product-2"], cut_after_s=cuts)
    assert status == 0, (cuts, err)
    assert json.loads(out)["version"].startswith("2.0.0"), cuts
    board.power_off()
    assert b"product 2.0.0" in board.starts(b"2.0.0")


# --- provisioning, by a station and its server ------------------------------------------

@pytest.fixture(scope="module")
def factory(made):
    """Where the manufacturing image is approved."""
    folder, _, images = made
    factory = running_factory(slots=1)
    try:
        key = subprocess.run(["openssl", "pkey", "-in", folder / "key.pem", "-pubout"],
                             check=True, capture_output=True).stdout
        factory.write("image.pub", key)
        factory.release("m-1", "soft", "prod", 1, images["manufacture"].read_bytes(),
                        "--prod-key", "image.pub")
        with open(factory.path("station.yaml"), "a", encoding="ascii") as file:
            file.write("device_timeout_ms: 60000\n")  # an emulator on a busy machine
        yield factory
    finally:
        factory.close()


@pytest.fixture
def blank(made, board, factory):
    """Closed (its test is over), with the stamp key of this factory, and counter 1."""
    board.put(FUSES + 48, factory.stamp_key)
    board.put(FUSES + 0x80, bytes(4))
    board.put(FUSES + 0x100, struct.pack("<I", 0xfffffffe))
    board.put(SLOT_A, made[2]["manufacture"].read_bytes())
    return board


class Station:
    """A station with an order for one device."""

    def __init__(self, factory):
        self.factory, self.order = factory, factory.order("soft", "m-1")
        self.process = None

    def __enter__(self):
        self.log = open(self.factory.path("station.log"), "wb")
        self.process = subprocess.Popen(
            [STATION, "run", self.order, "--config", "station.yaml", "--json"],
            cwd=self.factory.dir, env=self.factory.env, stdout=self.log, stderr=self.log)
        return self

    def said(self):
        return self.factory.read("station.log").decode()

    def __exit__(self, *wrong):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()

    def check_books(self, board):
        shown = self.factory.client("planner").json("/v1/order/" + self.order)
        assert (shown["used"], shown["confirmed"], shown["left"]) == (1, 1, 0), shown
        device_id = hashlib.sha256(board.flash[FUSES:FUSES + 16]).hexdigest()
        device = self.factory.client("auditor").json("/v1/device/" + device_id)
        assert device["state"] == "confirmed"
        self.factory.audit()


def until_locked(life, station, cut_after_s=(), within_s=240):
    """Power goes so many seconds after each start, and comes again, until there is a device.
    How much stack the manufacturing image had at most, of how much."""
    cuts, since, end = list(cut_after_s), time.monotonic(), time.monotonic() + within_s
    used = []
    while not life.board.is_locked():
        assert time.monotonic() < end and station.process.poll() is None, station.said()
        time.sleep(.03)
        if life.board.has_reset() or (cuts and time.monotonic() - since > cuts[0] and cuts.pop(0)):
            life.board.power_off()
            used.append(life.board.stack_used("manufacture"))
            if not life.board.is_locked():
                life.on()
                since = time.monotonic()
    return max(used)


def test_a_station_makes_it_a_device(blank, factory):
    station = Station(factory)
    with station:
        life = Life(blank, factory.path("slot-0.sock"))
        used, room = until_locked(life, station)
    station.check_books(blank)
    assert life.starts == 1
    print(f"stack: {used} of {room} bytes")
    assert 4096 < used <= 6656 and room >= 11264, "the README says how much it is"
    # its manufacturing image is still there, and starts no more
    assert b"product 1.0.0" in blank.starts(b"1.0.0")


def test_power_goes_while_it_is_made(blank, factory):
    station = Station(factory)
    # a quick machine is done within two seconds
    cuts = [.1 + secrets.randbelow(400) / 1000] + [.3 + secrets.randbelow(2500) / 1000 for _ in range(4)]
    with station:
        life = Life(blank, factory.path("slot-0.sock"))
        until_locked(life, station, cuts)
    station.check_books(blank)
    assert life.starts > 1, cuts
    assert b"product 1.0.0" in blank.starts(b"1.0.0")
