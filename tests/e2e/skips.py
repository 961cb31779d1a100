# SPDX-License-Identifier: Apache-2.0
"""skips - a boot loader on QEMU's boards (mps2-an385, mps2-an505) that skips one instruction

We speak the GDB remote protocol ourselves. A point is an image that must not start, an address and
a count: the boot loader runs, and where the program counter comes to the address for the count-th
time, the instruction is stepped over. A bypass is any instruction in flash that is executed.
One emulator serves many points: it is reset, and its flash restored, between two of them.
"""
import contextlib, hashlib, mmap, os, pathlib, re, select, socket, struct, subprocess, tempfile
import time

FLASH_USED, FLASH_FILE = 0x120000, 0x1000000  # device/port/mps2/map.h
MPU_CTRL = 0xe000ed94  # device/port/mps2/guard.c
# Where RAM, flash and what the boot loader touches besides begin: device/port/mps2/board.h
BOARDS = {"an385": (0x20000000, 0x21000000, (0x40008000, 0xe000e000)),
          "an505": (0x38000000, 0x80000000, (0x50081000, 0xe000e000))}
ENDS = "hm_port_boot_failed", "mps2_exit", "mps2_reset", "fault"
# QEMU executes a page with a breakpoint an instruction at a time: none is where SHA-256 is.
CAUGHT = ENDS[:2]
RAM = 0x21000  # tests/sim/thumb_run.h
LIFE, COUNTER, KEYS, SLOT_A, SLOT_B = 0x200, 0x400, 0x800, 0x30000, 0x80000
HEADER = 0x200
PC, XPSR = 15, 25  # registers of the protocol
SAFE, BYPASS, HANG = "safe", "bypass", "hang"
TICKS = os.sysconf("SC_CLK_TCK")
SLEEPS_S = 3  # an emulator that did nothing for so long waits for ever


class Case:
    """An image that must not start, in slot A: nothing is to start. Or in slot B: A's is."""

    def __init__(self, name, image, keys, counter=1, locked=True, instead=None):
        flash = bytearray(b"\xff" * FLASH_USED)
        if locked:
            flash[LIFE:LIFE + 16] = bytes(16)
        flash[COUNTER:COUNTER + 8] = struct.pack("<Q", 2 ** 64 - 2 ** counter)
        for row, key in enumerate(keys):
            at = KEYS + 64 * row
            flash[at:at + 40] = hashlib.sha256(key).digest() + bytes(8)
        at = SLOT_A if instead is None else SLOT_B
        flash[at:at + len(image)] = image
        self.fine = None
        if instead is not None:
            flash[SLOT_A:SLOT_A + len(instead)] = instead
            self.fine = entry(instead)
        self.name, self.flash, self.entry = name, bytes(flash), entry(image)


def entry(image):
    return struct.unpack_from("<I", image, HEADER + 4)[0] & ~1


def tlv(image, kind):
    """Where the value of the TLV begins, and its length."""
    at = HEADER + struct.unpack_from("<I", image, 12)[0]
    end = len(image)
    while at < end:
        number, length = struct.unpack_from("<HH", image, at)
        if number == kind:
            return at + 4, length
        at += 4 if number in (0x6907, 0x6908) else 4 + length
    raise KeyError(kind)


def flipped(image, at, mask=0x01):
    return image[:at] + bytes([image[at] ^ mask]) + image[at + 1:]


def der_pair(word, order):
    """A signature whose r and s are that word again and again."""
    number = struct.pack(order + "I", word) * 8
    if number[0] >> 7:
        number = b"\0" + number
    integer = b"\x02" + bytes([len(number)]) + number
    return b"\x30" + bytes([2 * len(integer)]) + 2 * integer


def with_tlv(image, kind, value):
    """The (last) TLV of that kind has another value, of another length maybe."""
    at, length = tlv(image, kind)
    room = HEADER + struct.unpack_from("<I", image, 12)[0]
    room += struct.unpack_from("<H", image, 10)[0]  # behind the protected ones
    image = bytearray(image[:at - 2] + struct.pack("<H", len(value)) + value + image[at + length:])
    struct.pack_into("<H", image, room + 2, len(image) - room)
    return bytes(image)


class Signer:
    """`hallmark image sign` with a key of its own and a foreign one."""

    def __init__(self, build, folder, board):
        self.build, self.folder, self.board = build, folder, board
        for name in "oem", "other":
            self.run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out",
                     name + ".pem")
            self.run("openssl", "ec", "-in", name + ".pem", "-pubout", "-outform", "DER", "-out",
                     name + ".der")
        self.keys = [pathlib.Path(folder, "oem.der").read_bytes()]

    def run(self, *words):
        subprocess.run(words, cwd=self.folder, check=True, capture_output=True)

    def sign(self, program, *words, counter=1, key="oem", version="2.0.0"):
        if "." not in program:
            program = f"{self.build}/device/firmware/{self.board}-{program}.bin"
        self.run(f"{self.build}/src/cmd/hallmark", "image", "sign", "--format", "mcuboot", "--key",
                 key + ".pem", "--image-version", version, "--security-counter", str(counter),
                 "--header-size", hex(HEADER), "--pad-header", "--align", "8",
                 "--public-key-format", "full", *words, "--output", "out.img", program)
        return pathlib.Path(self.folder, "out.img").read_bytes()

    def drawn(self, chance, size=0x4000):
        """Its first instruction is one; the rest, wherever whoever made it is free, is random."""
        ram, flash, _ = BOARDS[self.board]
        payload = struct.pack("<II", ram + 0x20000, flash + SLOT_A + HEADER + 0x1001)
        pathlib.Path(self.folder, "drawn.bin").write_bytes(payload + chance.randbytes(size - 8))
        version = f"{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(65536)}"
        return self.sign("drawn.bin", "--custom-tlv", "0x49a5=0x" + chance.randbytes(64).hex(),
                         counter=chance.randrange(2 ** 20, 2 ** 32),
                         version=f"{version}+{chance.randrange(2 ** 32)}")

    def sprayed(self):
        """Wherever whoever made it is free, it says where it would like to be run."""
        ram, flash, _ = BOARDS[self.board]
        word = flash + SLOT_A + HEADER + 0x1001
        payload = struct.pack("<II", ram + 0x20000, word) + struct.pack("<I", word) * 0x1ffe
        pathlib.Path(self.folder, "sprayed.bin").write_bytes(payload)
        image = self.sign("sprayed.bin", "--custom-tlv", "0x49a5=0x" + payload[4:68].hex(),
                          counter=word, version=f"2.0.0+{word}")
        # the load address, which we do not use, and the rest of the header
        image = image[:4] + struct.pack("<I", word) + image[8:32] + image[HEADER:]
        return word, image[:32] + struct.pack(">I", word) * (HEADER // 4 - 8) + image[32:]


def make_cases(build, folder, board="an385"):
    """One image for each thing that must be looked at; the first is good, to see that it starts."""
    signer = Signer(build, folder, board)
    keys, good = signer.keys, signer.sign("product-2a")
    signature, sig_len = tlv(good, 0x22)
    hash_at, key_at = tlv(good, 0x10)[0], tlv(good, 0x02)[0]
    counter_at = tlv(good, 0x50)[0]
    newer = signer.sign("product-3b", version="3.0.0")
    word, sprayed = signer.sprayed()
    words = struct.pack("<I", word) * 32
    return [
        Case("good", good, keys),
        Case("signature", flipped(good, signature + sig_len - 1), keys),
        Case("signature-r", flipped(good, signature + 20), keys),
        Case("hash", flipped(good, hash_at + 7), keys),
        Case("payload", flipped(good, HEADER + 0x1000), keys),
        Case("header", flipped(good, 20), keys),
        Case("tlv", flipped(good, signature - 4), keys),
        Case("counter-tlv", flipped(good, counter_at), keys),
        Case("key", flipped(good, key_at + 40), keys),
        Case("key-foreign", signer.sign("product-2a", key="other"), keys),
        Case("key-hash", good, [b"another"]),
        Case("counter", good, keys, counter=2),
        Case("manufacturing", signer.sign("manufacture", "--custom-tlv", "0x48a0=0x66"), keys),
        Case("other-slot", flipped(newer, tlv(newer, 0x22)[0] + 30), keys, instead=good),
        Case("sprayed", with_tlv(sprayed, 0x22, der_pair(word, ">")), keys),
        Case("sprayed-le", with_tlv(sprayed, 0x22, der_pair(word, "<")), keys),
        Case("sprayed-hash", with_tlv(sprayed, 0x10, words[:32]), keys),
        Case("sprayed-key", with_tlv(sprayed, 0x02, words[1:92]), keys),
    ]


class Gone(Exception):
    """The emulator has ended."""


class Program:
    """The boot loader: what is where."""

    def __init__(self, elf, board="an385"):
        self.elf, self.board = str(elf), board
        self.lengths, self.owner, self.entry = {}, {}, {}
        function = None
        listed = subprocess.run(["arm-none-eabi-objdump", "-d", self.elf], capture_output=True,
                                check=True, text=True).stdout
        for line in listed.splitlines():
            head = re.match(r"([0-9a-f]+) <([^>]+)>:", line)
            if head:
                function = head[2]
                self.entry[function] = int(head[1], 16)
                continue
            code = re.match(r"\s*([0-9a-f]+):\t([0-9a-f]{4})( [0-9a-f]{4})? *\t(\S+)", line)
            if code and not code[4].startswith("."):
                at = int(code[1], 16)
                self.lengths[at] = 4 if code[3] else 2
                self.owner[at] = function
        names = list(self.entry)
        files = subprocess.run(
            ["arm-none-eabi-addr2line", "-e", self.elf, *(hex(self.entry[name]) for name in names)],
            capture_output=True, check=True, text=True).stdout.splitlines()
        # Hashes and curves without what judges: they are executed millions of times.
        self.arithmetic = {name for name, file in zip(names, files)
                           if name.startswith(("br_", "mem")) or "_small.c" in file}
        self.arithmetic -= {"image_p256_small", "verify", "compare"}

    def symbol(self, name):
        listed = subprocess.run(["arm-none-eabi-nm", self.elf], capture_output=True, check=True,
                                text=True).stdout
        return int(re.search(rf"^([0-9a-f]+) . {name}$", listed, re.M)[1], 16)

    def in_flash(self, at):
        return 0 <= at - BOARDS[self.board][1] < FLASH_FILE

    def decides(self, at):
        return self.owner[at] not in self.arithmetic


class Target:
    """One emulator that runs the program again and again."""

    def __init__(self, program, folder):
        self.program, self.folder, self.patience_s = program, folder, 60
        self.file = open(os.path.join(folder, "flash.img"), "w+b")
        self.file.truncate(FLASH_FILE)
        self.memory = mmap.mmap(self.file.fileno(), FLASH_USED)
        self.process = self.socket = self.fine = None
        self.ends = []
        self.log = None  # what it says: instructions in flash that it executes

    def start(self, *words):
        self.stop()
        path = os.path.join(self.folder, "gdb")
        flash = BOARDS[self.program.board][1]
        words = words or ("-d", "in_asm", "-dfilter", f"{flash:#x}+{FLASH_FILE:#x}")
        self.log = tempfile.TemporaryFile(dir=self.folder)
        if os.path.exists(path):
            os.unlink(path)
        self.process = subprocess.Popen(
            ["qemu-system-arm", "-M", f"mps2-{self.program.board},memory-backend=flash", "-object",
             f"memory-backend-file,id=flash,size=16M,mem-path={self.folder}/flash.img,share=on",
             "-display", "none", "-nodefaults", "-monitor", "none", "-serial", "null",
             "-semihosting-config", "enable=on,target=native,arg=fw,arg=exit=1", "-kernel",
             self.program.elf, "-S", "-gdb", f"unix:{path},server=on,wait=off", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log)
        end = time.monotonic() + 30
        while True:
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(path)
                break
            except OSError:
                self.socket.close()
                assert time.monotonic() < end and self.process.poll() is None
                time.sleep(0.01)
        self.room = b""
        self.ask("qSupported:xmlRegisters=arm")
        self.ask("qXfer:features:read:target.xml:0,ffb")  # writes of registers are ignored before
        for at in self.ends:
            self.ask(f"Z1,{at:x},2")

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.socket.close()
        self.process = None

    def close(self):
        self.stop()
        self.memory.close()
        self.file.close()

    # --- the protocol

    def send(self, text):
        data = text.encode()
        try:
            self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) & 255))
        except OSError as error:
            raise Gone from error

    def receive(self, patience_s=30):
        end = time.monotonic() + patience_s
        while True:
            start = self.room.find(b"$")
            stop = self.room.find(b"#", start)
            if start >= 0 and 0 <= stop <= len(self.room) - 3:
                packet, self.room = self.room[start + 1:stop], self.room[stop + 3:]
                with contextlib.suppress(OSError):  # it has ended since: the next word is Gone
                    self.socket.sendall(b"+")
                return packet.decode("latin-1")
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                data = self.socket.recv(4096)
            except OSError:
                data = b""
            if not data:
                raise Gone
            self.room += data

    def ask(self, text):
        self.send(text)
        answer = self.receive()
        assert answer is not None, text
        return answer

    def monitor(self, command):
        self.send("qRcmd," + command.encode().hex())
        while self.receive() != "OK":
            pass

    def register(self, number):
        return struct.unpack("<I", bytes.fromhex(self.ask(f"p{number:x}")))[0]

    def set_register(self, number, value):
        assert self.ask(f"P{number:x}=" + struct.pack("<I", value).hex()) == "OK"

    # --- runs

    def reset(self, flash):
        if self.memory[:] != flash:
            self.memory[:] = flash
        self.monitor("system_reset")

    def spent_s(self):
        """Processor time of the emulator: a busy machine is not mistaken for a hang."""
        if self.process is None:
            return 0
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def go(self):
        """Until something happens: the program counter, or None after a hang."""
        begun = before = self.spent_s()
        moved = time.monotonic()
        self.send("c")
        while self.receive(max(0.1, self.patience_s / 4)) is None:
            spent = self.spent_s()
            if spent > before:
                before, moved = spent, time.monotonic()
            if spent - begun > self.patience_s or time.monotonic() - moved > SLEEPS_S:
                with contextlib.suppress(OSError):
                    self.socket.sendall(b"\x03")
                self.receive()
                return None
        return self.register(PC)

    def step_over(self, at):
        """As if the instruction were none; inside an IT block the block goes on."""
        xpsr = self.register(XPSR)
        it = (xpsr >> 25 & 3) | (xpsr >> 8 & 0xfc)
        if it:
            it = it & 0xe0 | it << 1 & 0x1f if it & 7 else 0
            self.set_register(XPSR, xpsr & ~0x0600fc00 | (it & 3) << 25 | (it & 0xfc) << 8)
        self.set_register(PC, at + self.program.lengths[at])

    def calibrate(self, flash, bad_entry):
        """A run that takes four times as long as one without a skip does not end."""
        self.point(flash, bad_entry)  # the emulator translates the program
        begun = self.spent_s()
        self.point(flash, bad_entry)
        self.patience_s = 0.1 + 4 * max(0, self.spent_s() - begun)

    def reach(self, at, count):
        """To the count-th execution of an instruction: did we get there?"""
        self.ask(f"Z1,{at:x},2")
        for n in range(count):
            if n:
                self.ask(f"z1,{at:x},2")
                self.ask("s")
                self.ask(f"Z1,{at:x},2")
            if self.go() != at:
                break
        else:
            self.ask(f"z1,{at:x},2")
            return True
        self.ask(f"z1,{at:x},2")
        return False

    def become(self, state, at):
        """What tests/sim/skip_run.c wrote: the machine behind the instruction at `at`."""
        assert self.reach(self.program.entry["hm_boot_run"], 1)
        data = pathlib.Path(state).read_bytes()
        words, ram, flash = struct.unpack_from("<18I", data), data[72:72 + RAM], data[72 + RAM:]
        if flash:
            self.memory[:] = flash
        ram_at = BOARDS[self.program.board][0]
        for start in range(0, len(ram), 1024):
            part = ram[start:start + 1024]
            assert self.ask(f"M{ram_at + start:x},{len(part):x}:{part.hex()}") == "OK"
        for number, word in enumerate(words[:15]):
            self.set_register(number, word)
        it = words[16]
        xpsr = self.register(XPSR) & ~0xf600fc00
        self.set_register(XPSR, xpsr | words[15] | (it & 3) << 25 | (it & 0xfc) << 8)
        self.set_register(PC, words[17] or at + self.program.lengths[at])

    def is_guarded(self):
        """Is nothing but the program itself executed?"""
        return bytes.fromhex(self.ask(f"m{MPU_CTRL:x},4"))[0] & 1 == 1

    def go_on(self, ends):
        """To an end. A breakpoint in flash is seen before the fault that keeps it from being executed."""
        while True:
            pc = self.go()
            if pc is None or ends.get(pc) != BYPASS or not self.is_guarded():
                return pc
            self.ask("s")

    def finish(self, flash, ends):
        """To an end; what was left in flash is started again."""
        what = SAFE
        for _ in range(5):
            pc = self.go_on(ends)
            what = HANG if pc is None else ends.get(pc, pc)
            if what not in (SAFE, HANG) or self.memory[:] == flash:
                break
            self.monitor("system_reset")
        return what

    def ran_flash(self):
        """Was anything in flash executed, wherever?"""
        return b"IN:" in os.pread(self.log.fileno(), 1 << 20, 0)

    def point(self, flash, bad_entry, at=None, count=1, state=None):
        """SAFE, BYPASS or HANG; None if the address is not reached so often."""
        what = self.outcome(flash, bad_entry, at, count, state)
        if self.ran_flash():
            self.stop()
            return BYPASS
        return what

    def outcome(self, flash, bad_entry, at, count, state):
        self.ends = [bad_entry, *(self.program.entry[name] for name in CAUGHT)]
        if self.fine is not None:
            self.ends.append(self.fine)
        ends = {end: SAFE for end in self.ends} | {bad_entry: BYPASS}
        if self.process is None:
            self.start()
        try:
            self.reset(flash)
            if state is not None:
                self.become(state, at)
            elif at is not None and at not in ends:
                if not self.reach(at, count):
                    return None
                self.step_over(at)
            return self.finish(flash, ends)
        except Gone:
            return self.after_exit(flash, ends)

    def after_exit(self, flash, ends):
        """The emulator has ended: again with what was left in flash, if that has changed."""
        for _ in range(5):
            status = self.process.wait(timeout=30)
            self.stop()
            if status == 0 or self.ran_flash():
                return BYPASS
            if self.memory[:] == flash:
                break
            self.start()
            with contextlib.suppress(Gone):
                return self.finish(flash, ends)
        return SAFE


def covered(program, folder, flash, bad_entry, fine=None):
    """The addresses that a run without a skip executes, after reset() has called main()."""
    target = Target(program, folder)
    log = os.path.join(folder, "in_asm")
    try:
        target.ends, target.fine = [bad_entry, program.entry["hm_port_boot_failed"]], fine
        if fine is not None:
            target.ends.append(fine)
        target.start("-d", "in_asm", "-D", log)
        result = target.point(flash, bad_entry)
    finally:
        target.close()
    found = set()
    for line in pathlib.Path(log).read_text().splitlines():
        code = re.match(r"0x([0-9a-f]{8}):", line)
        if code and int(code[1], 16) in program.lengths:
            found.add(int(code[1], 16))
    os.unlink(log)
    before = {"reset"}
    return result, sorted(at for at in found if program.owner[at] not in before)


def translate(sim, program, folder):
    """The boot loader as C, in that folder."""
    ram, flash, devices = BOARDS[program.board]
    subprocess.run([sim + "thumb.py", program.elf, folder, "--ram", hex(ram), "--flash", hex(flash),
                    *(f"--device={at:#x}" for at in devices), "--sync", ",".join(Fast.SYNC),
                    "--end", ",".join(ENDS)], check=True)


class Stack:
    """The boot loader, translated: tests/sim/stack_run.c tells what it puts on its stack."""

    def __init__(self, home, program, folder):
        self.folder, self.path = folder, os.path.join(folder, "stack_run")
        sim = os.path.join(home, "tests/sim/")
        translate(sim, program, folder)
        files = [sim + name + ".c" for name in ("thumb_stack", "thumb_run", "thumb_log",
                                                "stack_run")]
        subprocess.run(["gcc", "-O0", "-std=gnu17", "-w", "-I", folder, "-I", sim, *files, "-o",
                        self.path], check=True)

    def run(self, case, low, high):
        flash = os.path.join(self.folder, "flash")
        pathlib.Path(flash).write_bytes(case.flash)
        said = subprocess.run([self.path, flash, hex(low), hex(high)], check=True, capture_output=True,
                              text=True).stdout
        return said.splitlines()

    def words(self, case, low, high):
        """Written there: a set of (address of the instruction, word)."""
        return {tuple(int(word, 16) for word in line.split())
                for line in self.run(case, low, high)[:-1]}

    def instructions(self, case):
        """Of a start, and of the next one."""
        return tuple(int(word) for word in self.run(case, 0, 0)[-1].split()[1:])


class Fast:
    """The same boot loader, translated (tests/sim/thumb.py): tests/sim/skip_run.c runs it."""

    SYNC = ("judge", "hm_image_verify", "choose_one", "choose_confirmed", "choose_trial",
            "choose_manufacturing", "hm_boot_choose", "hm_boot_run", "check_signatures",
            "hash_flash", "image_p256_small")

    def __init__(self, home, program, folder):
        self.folder, self.path = folder, os.path.join(folder, "skip_run")
        sim = os.path.join(home, "tests/sim/")
        translate(sim, program, folder)
        # of one function with five thousand labels -O2 makes little, in minutes
        for name, level in (("thumb_fast", "-O1"), ("thumb_traced", "-O0"), ("thumb_run", "-O2"),
                            ("thumb_log", "-O2"), ("skip_run", "-O2")):
            subprocess.run(["gcc", level, "-std=gnu17", "-w", "-I", folder, "-I", sim, "-c",
                            f"{sim}{name}.c", "-o", f"{folder}/{name}.o"], check=True)
        subprocess.run(["gcc", "-o", self.path] + [
            f"{folder}/{name}.o" for name in ("thumb_fast", "thumb_traced", "thumb_run",
                                              "thumb_log", "skip_run")], check=True)

    def start(self, case, *words):
        """A process whose lines are of JSON: the run without a skip, points, the sum."""
        flash = os.path.join(self.folder, case.name + ".flash")
        pathlib.Path(flash).write_bytes(case.flash)
        fine = [] if case.fine is None else ["--fine", hex(case.fine)]
        return subprocess.Popen([self.path, flash, "--entry", hex(case.entry), *fine,
                                 *map(str, words)], stdout=subprocess.PIPE, text=True)
