# SPDX-License-Identifier: Apache-2.0
"""arm64 - a 64-bit Arm machine in qemu-system-aarch64: Debian's kernel, an ext4 disk, a network

The disk is a file that outlives the machine; /device on it is the working folder. What is to be
run stands in /device/do, and what came of it in /device/out and /device/status. With a TPM it is
swtpm's, behind the board's TIS interface: /dev/tpmrm0.
"""
import os, pathlib, shutil, subprocess

ROOT = pathlib.Path(os.environ.get("ARM64_ROOT") or subprocess.run(
    [os.path.dirname(os.path.abspath(__file__)) + "/../../tools/fetch-arm64"], check=True,
    capture_output=True, text=True).stdout.strip())
MODULES = ["virtio/virtio_ring", "virtio/virtio", "virtio/virtio_pci_modern_dev",
           "virtio/virtio_pci_legacy_dev", "virtio/virtio_pci", "block/virtio_blk", "failover",
           "net_failover", "net/virtio_net", "char/hw_random/virtio-rng",
           "char/tpm/tpm_tis_core", "char/tpm/tpm_tis"]
LIBRARIES = ["libc.so.6", "libffi.so.8", "libp11-kit.so.0", "libtss2-esys.so.0",
             "libtss2-mu.so.0", "libtss2-sys.so.1", "libtss2-tctildr.so.0",
             "libtss2-tcti-device.so.0", "libcrypto.so.3"]
INIT = """#!/bin/sh
export PATH=/bin LD_LIBRARY_PATH=/lib
mkdir -p /proc /sys /dev /disk /tmp
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in $(cat /modules.list); do insmod /modules/$module; done
ip link set lo up; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -e /dev/vda ] && break; sleep 1; done
mount -t ext4 /dev/vda /disk && cd /disk/device || poweroff -f
sh ./do >out 2>err; echo $? >status
cd /; sync; umount /disk; poweroff -f
"""


def newc(files):
    """A cpio archive of {name: (mode, bytes)}, as the kernel unpacks it."""
    out = bytearray()
    for number, (name, (mode, data)) in enumerate([*files.items(), ("TRAILER!!!", (0, b""))]):
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08x" % field for field in fields)
        out += name.encode() + b"\0"
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def find(name):
    return next(path for path in sorted(ROOT.rglob(name)) if path.is_file())


def initramfs(program, libraries):
    files = {name: (0o40755, b"") for name in ("bin", "lib", "modules")}
    files["bin/busybox"] = 0o100755, find("busybox").read_bytes()
    for name in ("sh mount umount insmod ip sleep sync poweroff cat mkdir").split():
        files["bin/" + name] = 0o120777, b"busybox"
    files["bin/hallmark-device"] = 0o100755, pathlib.Path(program).read_bytes()
    names = []
    for module in MODULES:
        found = find(os.path.basename(module) + ".ko")
        files["modules/" + found.name] = 0o100644, found.read_bytes()
        names.append(found.name)
    for library in libraries:
        files["lib/" + library] = 0o100755, find(library).resolve().read_bytes()
    if libraries:
        loader = "ld-linux-aarch64.so.1"
        files["lib/" + loader] = 0o100755, find(loader).resolve().read_bytes()
    files["modules.list"] = 0o100644, "\n".join(names).encode()
    files["init"] = 0o100755, INIT.encode()
    return newc(files)


class Arm64:
    """`folder` is the device's working folder, before and after each start."""

    def __init__(self, folder, program, libraries=(), tpm=None):
        self.folder, self.tpm = pathlib.Path(folder), tpm
        self.disk = str(self.folder) + ".ext4"
        self.ram = str(self.folder) + ".cpio"
        pathlib.Path(self.ram).write_bytes(initramfs(program, libraries))
        stage = str(self.folder) + ".stage"
        os.makedirs(stage + "/device", exist_ok=True)
        subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-d", stage, self.disk, "16M"], check=True,
                       capture_output=True)
        shutil.rmtree(stage)

    def debugfs(self, *commands):
        return subprocess.run(["/usr/sbin/debugfs", "-w", "-f", "-", self.disk], check=True,
                              capture_output=True, cwd=self.folder,
                              input="\n".join(commands).encode()).stdout

    def settle(self):
        """After a loss of power the journal must be played back before anything is written."""
        done = subprocess.run(["/usr/sbin/e2fsck", "-p", self.disk], capture_output=True,
                              check=False)
        assert done.returncode <= 1, done

    def put(self, name, data):
        self.settle()
        (self.folder / "put").write_bytes(data)
        self.debugfs(f"rm /device/{name}", f"write put /device/{name}")

    def get(self, name):
        got = self.folder / "got"
        got.unlink(missing_ok=True)
        self.settle()
        self.debugfs(f"dump /device/{name} got")
        return got.read_bytes()

    def start(self):
        words = ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-m", "512",
                 "-display", "none", "-monitor", "none", "-nodefaults", "-no-reboot", "-serial",
                 f"file:{self.folder}/console", "-rtc", "base=utc", "-kernel",
                 str(find("vmlinuz-*")), "-initrd", self.ram, "-append",
                 "console=ttyAMA0 panic=-1 random.trust_cpu=on quiet", "-netdev", "user,id=n",
                 "-device", "virtio-net-pci,netdev=n,romfile=", "-drive",
                 f"if=none,id=d,format=raw,file={self.disk}", "-device", "virtio-blk-pci,drive=d"]
        if self.tpm:
            words += ["-chardev", f"socket,id=t,path={self.tpm}", "-tpmdev",
                      "emulator,id=tpm,chardev=t", "-device", "tpm-tis-device,tpmdev=tpm"]
        return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def run(self, script, timeout_s=600):
        """(status, what it said)"""
        self.put("do", script.encode())
        self.put("status", b"")
        machine = self.start()
        try:
            _, err = machine.communicate(timeout=timeout_s)
        finally:
            machine.kill()
        assert machine.returncode == 0, err
        status = self.get("status").decode().strip()
        assert status, (self.folder / "console").read_text()[-3000:]
        return int(status), self.get("out"), self.get("err").decode()
