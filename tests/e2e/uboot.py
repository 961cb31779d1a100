# SPDX-License-Identifier: Apache-2.0
"""U-Boot of Debian (u-boot-qemu) in QEMU: does it start a FIT with our keys?

It was built with CONFIG_FIT_SIGNATURE, RSA with PKCS#1 v1.5 and SHA-2; not with PSS or
ECDSA. Debian's 2023.01 has the correction of 2026 that computes what a signature must
cover (+dfsg-2+deb12u3). Its control tree is the one that QEMU gives it: -dtb.
"""
import os, select, subprocess, time

FIRMWARE = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
MACHINE = ["qemu-system-aarch64", "-net", "none", "-cpu", "cortex-a57", "-m", "256", "-nographic"]
LIMIT = 120  # seconds for one answer of a busy machine

# Prints a line to the PL011 and asks PSCI for the power to be cut (AArch64):
#   adr x1, msg; movz x2, #0x0900, lsl #16; 1: ldrb w0, [x1], #1; cbz w0, 2f; str w0, [x2]
#   b 1b; 2: movz w0, #8; movk w0, #0x8400, lsl #16; hvc #0; 3: b 3b
KERNEL = bytes.fromhex("410100100220a1d22014403860000034400000b9fdffff17000180520080b072"
                       "020000d400000014") + b"\r\nHALLMARK-BOOTED\r\n\0\0"


def own_tree(folder):
    """The device tree of the machine, without the room that QEMU leaves in it."""
    done = subprocess.run([*MACHINE, "-machine", f"virt,dumpdtb={folder}/qemu.dtb"],
                          capture_output=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dtb", "-o", f"{folder}/virt.dtb",
                    f"{folder}/qemu.dtb"], check=True, timeout=LIMIT)


class UBoot:
    """A machine with files in its memory, at its prompt."""

    def __init__(self, control, files):
        loads = []
        self.places = {}
        for i, name in enumerate(files):
            self.places[name] = 0x48000000 + (i << 21)
            loads += ["-device", f"loader,file={name},addr={self.places[name]:#x},force-raw=on"]
        self.process = subprocess.Popen([*MACHINE, "-machine", "virt", "-bios", FIRMWARE, "-dtb",
                                         str(control), *loads], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.seen = b""
        self.wait(b"stop autoboot")
        self.say(b"\n")
        self.wait(b"=> ")

    def say(self, words):
        self.process.stdin.write(words)
        self.process.stdin.flush()

    def wait(self, *words):
        """What was printed up to one of these."""
        end = time.monotonic() + LIMIT
        while not any(word in self.seen for word in words):
            assert time.monotonic() < end, self.seen
            if not select.select([self.process.stdout], [], [], 1)[0]:
                continue
            more = os.read(self.process.stdout.fileno(), 4096)
            assert more, self.seen
            self.seen += more
        end = min(self.seen.index(word) + len(word) for word in words if word in self.seen)
        seen, self.seen = self.seen[:end], self.seen[end:]
        return seen.decode(errors="replace")

    def bootm(self, name, configuration=""):
        """What U-Boot says when it is to start that file; it may not come back."""
        self.say(f"bootm {self.places[name]:#x}{configuration}\n".encode())
        self.wait(b"bootm ")
        return self.wait(b"=> ", b"HALLMARK-BOOTED")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
