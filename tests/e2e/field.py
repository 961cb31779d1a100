# SPDX-License-Identifier: Apache-2.0
"""field - Cortex-M machines in use: their product takes updates, and power goes at any operation

A machine's flash is a file: it can be kept as it was at some instant, and put back.
"""
import os, random, shutil, socket, subprocess, tempfile

from cortexm import CUT, LIFE, Machine, Works
from counterpart import cbor, framed, unframed
from line import VDEVICE, Factory

STATUS, ANNOUNCE, DATA, FINISH, INSTALL, RESTART = 16, 18, 19, 20, 21, 23
INSTALLED = 3  # where an update is
PATIENCE_S, TRIES = 1, 60


class Gone(Exception):
    """The machine has no power any more."""


class Desk(Factory):
    """A folder and commands in it; no server."""

    def __init__(self):  # pylint: disable=super-init-not-called
        self.dir = tempfile.mkdtemp(prefix="hm-")
        self.env, self.server, self.chips = dict(os.environ), None, 0


class State:
    """What a device says of itself (docs/formats/update-stream.md)."""

    def __init__(self, body):
        self.where, self.received, self.running = body[1], body[2], body[5]
        self.version, self.counter, self.confirmed = body[6][0], body[7], body[8]
        self.piece, self.asked = body[9], body[10]


class Image:
    """Cut as it is announced."""

    def __init__(self, data):
        header, payload = (int.from_bytes(data[at:at + n], "little") for at, n in ((8, 2), (12, 4)))
        self.header, self.body = data[:32], data[:header + payload]
        self.tlvs = data[header + payload:]


class Unit(Machine):
    """A machine in the field, and we at the other end of its line."""

    def on(self, *faults):
        ours, theirs = socket.socketpair()
        words = [word for fault in faults for word in ("--fault", fault)]
        self.pipe, self.rest = ours, b""
        ours.settimeout(PATIENCE_S)
        with theirs:
            self.starts += 1
            self.process = subprocess.Popen(
                [VDEVICE, "run", "--serve", "--dir", self.chip, "--link", f"fd:{theirs.fileno()}",
                 "--quiet", *words], pass_fds=[theirs.fileno()], stdout=subprocess.DEVNULL,
                stderr=self.bench.log)
        return self

    def off(self):
        super().off()
        if self.pipe is not None:
            self.pipe.close()
            self.pipe = None

    pipe = None

    def serve(self, link):
        """For `hallmark device ...`, at a socket."""
        self.starts += 1
        self.process = subprocess.Popen(
            [VDEVICE, "run", "--serve", "--dir", self.chip, "--link", link, "--quiet"],
            cwd=self.bench.factory.dir, stdout=subprocess.DEVNULL, stderr=self.bench.log)

    def keep(self):
        """Its flash as it is now, in a file."""
        path = self.bench.factory.path(f"kept-{self.bench.count()}")
        subprocess.run(["cp", "--sparse=always", self.chip + "/flash.img", path], check=True)
        return path

    def settled(self):
        """It was on once, and is off: its flash then."""
        self.on().ask(STATUS)
        self.off()
        return self.keep()

    def put_back(self, path):
        subprocess.run(["cp", "--sparse=always", path, self.chip + "/flash.img"], check=True)

    # --- what we say

    def hear(self):
        """The next answer; text and what was lost are passed over."""
        while True:
            frame, zero, rest = self.rest.partition(b"\0")
            if zero:
                self.rest = rest
                message = unframed(frame)
                if message:
                    return message
                continue
            try:
                got = self.pipe.recv(4096)
            except ConnectionError:
                got = b""
            if not got:
                raise Gone
            self.rest += got

    def answer_to(self, kind):
        while True:
            what, answer = self.hear()
            assert what == 17, answer
            state = State(answer)
            if state.asked == kind:
                return state

    def ask(self, kind, body=None):
        """Again, if nothing comes back: a machine that starts anew may have lost the question."""
        for _ in range(TRIES):
            try:
                self.pipe.sendall(framed(cbor([kind, body])))
                return self.answer_to(kind)
            except ConnectionError:
                raise Gone from None
            except TimeoutError:
                continue
        raise AssertionError(f"no answer to {kind}")

    def send(self, image):
        """All of it; what the device has already is not sent again."""
        state = self.ask(ANNOUNCE, {0: 1, 1: image.header, 2: image.tlvs})
        while state.received < len(image.body):
            piece = image.body[state.received:state.received + state.piece]
            state = self.ask(DATA, {0: 1, 1: state.received, 2: piece})
        return self.ask(FINISH)

    def update(self, image):
        """As `hallmark device update` does it; whether `install` was answered stays in self."""
        self.installed = False
        self.send(image)
        self.installed = self.ask(INSTALL).where == INSTALLED
        self.ask(RESTART)
        return self.ask(STATUS)


class Field(Works):
    """Images of three versions, and machines that are locked and run the first."""

    def __init__(self, board):
        super().__init__(board, Desk())
        self.kept = 0
        self.sign("product-2a", "2.0.0", counter=2)
        self.sign("product-3b", "3.0.0", counter=3)
        self.factory.run("cp", "manufacture.img", "m-1.bin")
        self.factory.run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout",
                         "-out", "stamp.pem")
        self.factory.run("openssl", "ec", "-in", "stamp.pem", "-pubout", "-out", "stamp.pub")

    def count(self):
        self.kept += 1
        return self.kept

    def image(self, program):
        return Image(self.factory.read(program + ".img"))

    def unit(self):
        unit = Unit(self, *self.fab())
        unit.flip(LIFE + 8)
        self.machines.append(unit)
        return unit


class Sweep:
    """Power goes at sampled operations of a scenario, and again while the device recovers."""

    def __init__(self, unit, seed, stride, *faults):
        self.unit, self.chance, self.stride = unit, random.Random(seed), stride
        self.faults = faults
        self.cuts = self.nested = 0

    def points(self):
        return 1 if self.stride == 1 else self.chance.randint(1, 2 * self.stride - 1)

    def cut_at(self, number, torn, work):
        """Did power go? `work` is what is done with a unit that is on."""
        self.unit.on(f"power-cut={number}", *(["torn"] if torn else []), *self.faults)
        try:
            work(self.unit)
        except Gone:
            assert self.unit.process.wait(timeout=60) == CUT
            return True
        finally:
            self.unit.off()
        return False

    def run(self, begin, work, check):
        """From the flash `begin`, through all operations of `work`; `check` judges each end."""
        number = self.points()
        while True:
            torn = self.chance.random() < 0.5
            self.unit.put_back(begin)
            self.unit.installed = False
            if not self.cut_at(number, torn, work):
                return self
            done = self.unit.installed
            self.cuts += 1
            if self.chance.random() < 0.5:
                again = self.chance.randint(1, 8)
                self.nested += self.cut_at(again, self.chance.random() < 0.5, work)
                done = done or self.unit.installed
            self.unit.on(*self.faults)
            check(self.unit, done)
            self.unit.off()
            number += self.points()
