# SPDX-License-Identifier: Apache-2.0
"""skips - a boot loader on QEMU's mps2-an385 that skips one instruction of our choice

We speak the GDB remote protocol ourselves. A point is an image that must not start, an address and
a count: the boot loader runs, and where the program counter comes to the address for the count-th
time, the instruction is stepped over. A bypass is an image whose own first instruction is executed.
One emulator serves many points: it is reset, and its flash restored, between two of them.
"""
import hashlib, mmap, os, pathlib, re, select, socket, struct, subprocess, time

FLASH_AT, FLASH_USED, FLASH_FILE = 0x21000000, 0xc0000, 0x1000000  # device/port/mps2/map.h
LIFE, COUNTER, KEYS, SLOT_A, SLOT_B = 0x200, 0x400, 0x800, 0x30000, 0x60000
HEADER = 0x200
PC, XPSR = 15, 25  # registers of the protocol
SAFE, BYPASS, HANG = "safe", "bypass", "hang"


class Case:
    """An image in slot A that must not start, and nothing else that could."""

    def __init__(self, name, image, keys, counter=1, locked=True):
        flash = bytearray(b"\xff" * FLASH_USED)
        if locked:
            flash[LIFE:LIFE + 16] = bytes(16)
        flash[COUNTER:COUNTER + 8] = struct.pack("<Q", 2 ** 64 - 2 ** counter)
        for row, key in enumerate(keys):
            at = KEYS + 64 * row
            flash[at:at + 40] = hashlib.sha256(key).digest() + bytes(8)
        flash[SLOT_A:SLOT_A + len(image)] = image
        self.name, self.flash = name, bytes(flash)
        self.entry = struct.unpack_from("<I", image, HEADER + 4)[0] & ~1


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


def make_cases(build, folder):
    """One image for each thing that must be looked at; the first is good, to see that it starts."""
    def run(*words):
        subprocess.run(words, cwd=folder, check=True, capture_output=True)

    def sign(program, counter=1, key="oem", *words):
        run(f"{build}/src/cmd/hallmark", "image", "sign", "--format", "mcuboot", "--key",
            key + ".pem", "--image-version", "2.0.0", "--security-counter", str(counter),
            "--header-size", hex(HEADER), "--pad-header", "--align", "8", "--public-key-format",
            "full", *words, "--output", "out.img", f"{build}/device/firmware/an385-{program}.bin")
        return pathlib.Path(folder, "out.img").read_bytes()

    for name in "oem", "other":
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out",
            name + ".pem")
        run("openssl", "ec", "-in", name + ".pem", "-pubout", "-outform", "DER", "-out",
            name + ".der")
    keys = [pathlib.Path(folder, "oem.der").read_bytes()]
    good, foreign = sign("product-2a"), sign("product-2a", 1, "other")
    signature, sig_len = tlv(good, 0x22)
    hash_at, key_at = tlv(good, 0x10)[0], tlv(good, 0x02)[0]
    counter_at = tlv(good, 0x50)[0]
    return [
        Case("good", good, keys),
        Case("signature", flipped(good, signature + sig_len - 1), keys),
        Case("signature-r", flipped(good, signature + 20), keys),
        Case("hash", flipped(good, hash_at + 7), keys),
        Case("payload", flipped(good, HEADER + 0x1000), keys),
        Case("header", flipped(good, 20), keys),
        Case("counter-tlv", flipped(good, counter_at), keys),
        Case("key", flipped(good, key_at + 40), keys),
        Case("key-foreign", foreign, keys),
        Case("key-hash", good, [b"another"]),
        Case("counter", good, keys, counter=2),
        Case("manufacturing", sign("manufacture", 1, "oem", "--custom-tlv", "0x48a0=0x66"), keys),
    ]


class Gone(Exception):
    """The emulator has ended."""


class Program:
    """The boot loader: what is where."""

    def __init__(self, elf):
        self.elf = str(elf)
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
                           if name.startswith(("br_", "mem", "sha2small")) or "_small.c" in file}
        self.arithmetic -= {"image_p256_small", "verify", "compare"}

    def decides(self, at):
        return self.owner[at] not in self.arithmetic


class Target:
    """One emulator that runs the program again and again."""

    def __init__(self, program, folder):
        self.program, self.folder, self.patience_s = program, folder, 60
        self.file = open(os.path.join(folder, "flash.img"), "w+b")
        self.file.truncate(FLASH_FILE)
        self.memory = mmap.mmap(self.file.fileno(), FLASH_USED)
        self.process = self.socket = None
        self.ends = []

    def start(self, *words):
        self.stop()
        path = os.path.join(self.folder, "gdb")
        if os.path.exists(path):
            os.unlink(path)
        self.process = subprocess.Popen(
            ["qemu-system-arm", "-M", "mps2-an385,memory-backend=flash", "-object",
             f"memory-backend-file,id=flash,size=16M,mem-path={self.folder}/flash.img,share=on",
             "-display", "none", "-nodefaults", "-monitor", "none", "-serial", "null",
             "-semihosting-config", "enable=on,target=native,arg=fw,arg=exit=1", "-kernel",
             self.program.elf, "-S", "-gdb", f"unix:{path},server=on,wait=off", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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

    def go(self):
        """Until something happens: the program counter, or None after a hang."""
        self.send("c")
        if self.receive(self.patience_s) is None:
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
        """A run that takes six times as long as one without a skip does not end."""
        self.point(flash, bad_entry)  # the emulator translates the program
        begun = time.monotonic()
        self.point(flash, bad_entry)
        self.patience_s = 0.3 + 6 * (time.monotonic() - begun)

    def point(self, flash, bad_entry, at=None, count=1):
        """SAFE, BYPASS or HANG; None if the address is not reached so often."""
        self.ends = [bad_entry, *(self.program.entry[name] for name in
                                  ("hm_port_boot_failed", "mps2_exit", "mps2_reset", "fault"))]
        ends = {end: SAFE for end in self.ends} | {bad_entry: BYPASS}
        if self.process is None:
            self.start()
        try:
            self.reset(flash)
            if at is not None and at not in ends:
                self.ask(f"Z1,{at:x},2")
                for _ in range(count):
                    pc = self.go()
                    if pc != at:
                        self.ask(f"z1,{at:x},2")
                        return None
                    if _ + 1 < count:
                        self.ask(f"z1,{at:x},2")
                        self.ask("s")
                        self.ask(f"Z1,{at:x},2")
                self.ask(f"z1,{at:x},2")
                self.step_over(at)
            pc = self.go()
            return HANG if pc is None else ends.get(pc, pc)
        except Gone:
            status = self.process.wait(timeout=30)
            self.stop()
            return BYPASS if status == 0 else SAFE


def covered(program, folder, flash, bad_entry):
    """The addresses that a run without a skip executes, after reset() has called main()."""
    target = Target(program, folder)
    log = os.path.join(folder, "in_asm")
    try:
        target.ends = [bad_entry, program.entry["hm_port_boot_failed"]]
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
