# SPDX-License-Identifier: Apache-2.0
"""The example firmware, built with its own Makefile and started on QEMU's micro:bit

The port is one that nobody else here uses: Cortex-M0, 16 KiB of RAM, a flash controller and a
random number generator that QEMU models, write-once rules included.
"""
import hashlib, json, pathlib, secrets, socket, struct, subprocess, time

import pytest

from line import BUILD, HALLMARK

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLE, OUT = ROOT / "examples/microbit", pathlib.Path(BUILD) / "examples/microbit"
FUSES, SLOT_A, SLOT_B, SLOT = 0x8800, 0x11000, 0x28800, 0x17800
SIZE = 256 * 1024


def hallmark(*words, **more):
    return subprocess.run([HALLMARK, *map(str, words)], check=True, capture_output=True, timeout=120, **more)


class Board:
    """A micro:bit: QEMU from power-on to a reset or a cut, and its flash in between."""

    def __init__(self, folder):
        self.folder, self.flash = folder, bytearray(b"\xff" * SIZE)
        self.process = None

    def put(self, at, data):
        self.flash[at:at + len(data)] = data

    def power_on(self, link=None):
        """With a link, the machine connects there; without, what it says is kept."""
        (self.folder / "flash.bin").write_bytes(self.flash)
        self.qmp_path, self.uart_path = self.folder / "qmp", self.folder / "uart"
        for path in (self.qmp_path, self.uart_path):
            path.unlink(missing_ok=True)
        uart = f"socket,id=u,path={link},reconnect=1" if link else \
            f"socket,id=u,path={self.uart_path},server=on,wait=on"
        self.process = subprocess.Popen(
            ["qemu-system-arm", "-M", "microbit", "-display", "none", "-nodefaults", "-monitor", "none",
             "-kernel", self.folder / "flash.bin", "-chardev", uart, "-serial", "chardev:u", "-qmp",
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
        path = self.folder / "after.bin"
        self.ask("memsave", val=0, size=SIZE, filename=str(path), **{"cpu-index": 0})
        self.flash = bytearray(path.read_bytes())
        self.qmp.sendall(b'{"execute": "quit"}')
        assert self.process.wait(30) == 0
        self.process = None
        for line in (self.qmp, self.line):
            if line:
                line.close()

    def until_reset(self, within_s=60):
        end = time.monotonic() + within_s
        while self.ask("query-status")["status"] != "shutdown":
            assert time.monotonic() < end
            time.sleep(.05)

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
            if self.board.ask("query-status")["status"] == "shutdown" or \
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
