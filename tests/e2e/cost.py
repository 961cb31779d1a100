# SPDX-License-Identifier: Apache-2.0
"""cost - what firmware for Cortex-M takes: flash and RAM, bytes on the link"""
import collections, contextlib, os, re, socket, subprocess, threading, time

from cortexm import FIRMWARE, emulate

CLOCK_HZ = {"an385": 25_000_000, "an505": 20_000_000}
# Of the port, what only an emulator needs: arguments, console, the rules of NOR flash.
PARTS = [("emulator", r"mps2_(argument|semihost|nor)_c"), ("port", r"device_port|-start\.o"),
         ("vault", r"src_vault"), ("journal", r"src_journal"), ("image", r"src_image"),
         ("boot", r"src_boot|-boot\.o"), ("crypto", r"libbearssl|crypto_bearssl|an\d+-(m15|m31|i15|i31|i15_small|p256_only|sha256_small)\.o|"
          r"src_(hkdf|hpke|scalar|ecies|pss|ed25519)_c"), ("libc", r"libc_nano|libgcc|libnosys"),
         ("agent", r"")]


def sections(path):
    """(section, bytes, object) of what is linked."""
    text, waiting = path.read_text().split("Linker script and memory map")[1], None
    for line in text.splitlines():
        alone = re.fullmatch(r" (\.\S+)", line)
        row = re.fullmatch(r" (\.\S+)?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)", line)
        if row and (row[1] or waiting) and int(row[3], 16):
            yield row[1] or waiting, int(row[3], 16), row[4].rpartition("/")[2]
        waiting = alone[1] if alone else None


def footprint(board, program):
    """{part: (flash, static RAM)} in bytes, and of "all" as the linker says it."""
    flash, ram = collections.Counter(), collections.Counter()
    for section, size, source in sections(FIRMWARE / f"{board}-{program}.elf.map"):
        part = next(name for name, form in PARTS if re.search(form, source))
        if re.match(r"\.(text|rodata|vectors|data|ARM\.ex)", section):
            flash[part] += size
        if re.match(r"\.(data|bss)|COMMON", section):
            ram[part] += size
    sizes = subprocess.run(["arm-none-eabi-size", FIRMWARE / f"{board}-{program}.elf"], check=True,
                           capture_output=True, text=True).stdout.split("\n")[1].split()
    text, data, bss = (int(size) for size in sizes[:3])
    return {part: (flash[part], ram[part]) for part in sorted(set(flash) | set(ram))} | {
        "all": (text + data, data + bss)}


def speed(bench, board, multiplier):
    """{call: (million instructions, bytes of stack or None)}: cryptography, and an image of 256
    KiB with header and TLVs that is verified twice over. -icount: one instruction, one ns."""
    if not os.path.exists(bench.factory.path("big.bin")):
        payload = FIRMWARE / f"{board}-big.bin"
        payload.write_bytes(os.urandom((256 << 10) - 0x200 - 256))
        bench.sign("big", "1.0.0")
        payload.unlink()
        bench.factory.write("big.bin", bench.factory.read("big.img"))
    start = str(FIRMWARE / f"{board}-bench-{multiplier}.elf")
    said = emulate(board, bench.fab(first="big")[0], start, "-icount", "shift=0")
    assert all(number for name, number in said.items() if name.endswith("_result"))
    return {name: (number * (1e9 / CLOCK_HZ[board]) / 1e6, said.get(name + "_stack"))
            for name, number in said.items() if not name.endswith(("_result", "_stack"))}


class Wire(threading.Thread):
    """Between a station and a machine: keeps each way's bytes."""

    def __init__(self, station, machine):
        super().__init__(daemon=True)
        self.ends, self.data = (station, machine), [b"", b""]

    def carry(self, way):
        source, sink = self.ends[way], self.ends[1 - way]
        while data := source.recv(65536):
            self.data[way] += data
            with contextlib.suppress(OSError):  # a last word to one that has left
                sink.sendall(data)

    def run(self):
        threading.Thread(target=self.carry, args=(1,), daemon=True).start()
        self.carry(0)

    def frames(self, way):
        """Each once: on a slow machine the station asks again."""
        return {frame for frame in self.data[way].split(b"\0")[:-1] if frame}


def dial(bench):
    """The station's slot: it is there a moment before somebody listens at it."""
    while True:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(bench.factory.path("slot-0.sock"))
            return line
        except (FileNotFoundError, ConnectionRefusedError):
            line.close()
            assert bench.station.poll() is None
            time.sleep(0.01)


def provisioning(bench, board):
    """A machine becomes a device: exchanges and bytes on the link, {"boot_stack": bytes, ...}."""
    bench.start_station()
    station, (ours, theirs) = dial(bench), socket.socketpair()
    wire = Wire(station, ours)
    wire.start()
    fd = theirs.fileno()
    said = emulate(board, bench.machines[0].chip, str(FIRMWARE / f"{board}-boot.elf"), "-chardev",
                   f"socket,id=line,fd={fd}", "-serial", "chardev:line", pass_fds=[fd])
    there, back = wire.frames(0), wire.frames(1)
    return {"round_trips": len(there), "to_device": sum(len(frame) + 2 for frame in there),
            "from_device": sum(len(frame) + 2 for frame in back)}, said
