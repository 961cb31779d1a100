# SPDX-License-Identifier: Apache-2.0
"""Random payloads through every format: what comes out is what went in, and nothing altered passes

Lengths from nothing to 64 MiB, most of them odd. The payload is looked for in the result by the
layout alone, and comes back by decrypt or convert where a format hides it. Each run has a seed of
its own, which a failure shows; SEED sets it.
"""
import functools, hashlib, operator, os, pathlib, random, struct, subprocess, tarfile, tempfile

import pytest

from line import HALLMARK
from test_image_esp_cert import tlvs
from test_image_nvs import read as read_nvs

MIB = 1 << 20
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
KEYS = pathlib.Path(__file__).parents[1] / "vectors/images/keys"
MCUBOOT = ["--format", "mcuboot", "--header-size", "0x200", "--pad-header", "--image-version", "1.2.3"]
EMPTY, LARGE = 3209, 64 * MIB - 3


def run(folder, *argv):
    return subprocess.run([HALLMARK, "image", *argv], cwd=folder, capture_output=True, timeout=300,
                          check=False)


class Place:
    def __init__(self, folder):
        self.folder, self.random = folder, random.Random(SEED)
        (folder / "rsa.pem").write_bytes((KEYS / "rsa3072.pem").read_bytes())
        (folder / "rsa2048.pem").write_bytes((KEYS / "rsa2048.pem").read_bytes())
        for name, how in (("p256", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
                          ("p384", ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
                          ("ed25519", ["ED25519"]), ("x25519", ["X25519"])):
            self.openssl("genpkey", "-algorithm", *how, "-out", f"{name}.pem")
        for name in ("rsa", "rsa2048", "p256", "p384", "ed25519", "x25519"):
            self.openssl("pkey", "-in", f"{name}.pem", "-pubout", "-out", f"{name}.pub")
        self.openssl("req", "-x509", "-new", "-key", "p256.pem", "-subj", "/CN=dev", "-days", "30",
                     "-out", "p256.crt")
        for size in (32, 64):
            (folder / f"flash{size}").write_bytes(self.random.randbytes(size))

    def openssl(self, *argv):
        subprocess.run(["openssl", *argv], cwd=self.folder, check=True, capture_output=True)

    def ok(self, *argv):
        done = run(self.folder, *argv)
        assert done.returncode == 0, (SEED, argv, done.stderr.decode())

    def refused(self, status, *argv):
        done = run(self.folder, *argv)
        assert done.returncode == status, (SEED, argv, done.returncode, done.stderr.decode())
        return done.stderr.decode()

    def read(self, name):
        return (self.folder / name).read_bytes()

    def payload(self, size):
        data = self.random.randbytes(size)
        (self.folder / "in").write_bytes(data)
        for name in ("out", "back"):
            (self.folder / name).unlink(missing_ok=True)
        return data

    def altered(self, name, start=0, size=None, bit=None):
        """One bit of the file (or of a part) turned, in place; the offset."""
        bit = self.random.randrange(8) if bit is None else bit
        at = start + self.random.randrange(size or (self.folder / name).stat().st_size)
        with open(self.folder / name, "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1 << bit]))
        return at

    def sizes(self, large=False):
        """Nothing, edges of blocks and pages, odd ones, and the largest."""
        edges = [1, 15, 16, 17, 4095, 4096, 4097, 65535, 65537]
        odd = [self.random.randrange(1 << bits) | 1 for bits in (10, 14, 18, 21)]
        return self.random.sample(edges, 4) + odd + ([LARGE] if large else [])


@pytest.fixture(scope="module")
def place():
    """In memory, where there is a place: each file is synced."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as name:
        yield Place(pathlib.Path(name))


# --- signatures beside the file -----------------------------------------------------

@pytest.mark.parametrize("kind, large", [("p256", True), ("p384", False), ("rsa", False), ("ed25519", True)])
def test_raw(place, kind, large):
    verify = ["verify", "--format", "raw", "--key", f"{kind}.pub", "--signature", "out", "in"]
    for size in place.sizes(large):
        place.payload(size)
        place.ok("sign", "--format", "raw", "--key", f"{kind}.pem", "-o", "out", "in")
        place.ok(*verify)
        place.altered("in")
        place.refused(4, *verify)
    place.payload(0)
    assert f"HM-{EMPTY}" in place.refused(10, "sign", "--format", "raw", "--key", f"{kind}.pem", "-o",
                                          "out", "in")


def test_cms(place):
    verify = ["verify", "--format", "cms", "--key", "p256.pub", "--signature", "out", "in"]
    for size in place.sizes(True):
        place.payload(size)
        place.ok("sign", "--format", "cms", "--key", "p256.pem", "--certificate", "p256.crt", "-o",
                 "out", "in")
        place.ok(*verify)
        place.altered("in")
        place.refused(4, *verify)


# --- MCUboot --------------------------------------------------------------------------

@pytest.mark.parametrize("kind, large", [("p256", True), ("p384", False), ("rsa", False),
                                         ("ed25519", False)])
def test_mcuboot(place, kind, large):
    verify = ["verify", "--format", "mcuboot", "--key", f"{kind}.pub", "out"]
    for size in place.sizes(large):
        data = place.payload(size)
        place.ok("sign", *MCUBOOT, "--key", f"{kind}.pem", "-o", "out", "in")
        assert place.read("out")[0x200:0x200 + size] == data
        place.ok(*verify)
        at = place.altered("out")
        assert "HM-32" in place.refused(4, *verify), at
    place.payload(0)
    assert f"HM-{EMPTY}" in place.refused(10, "sign", *MCUBOOT, "--key", f"{kind}.pem", "-o", "out",
                                          "in")


@pytest.mark.parametrize("kind, bits, large", [("p256", "128", False), ("p256", "256", True),
                                               ("x25519", "128", False), ("rsa2048", "256", False)])
def test_mcuboot_encrypted(place, kind, bits, large):
    signer = {"x25519": "ed25519", "rsa2048": "rsa"}.get(kind, kind)
    for size in place.sizes(large):
        data = place.payload(size)
        place.ok("sign", *MCUBOOT, "--key", f"{signer}.pem", "--encrypt-key", f"{kind}.pub",
                 "--encrypt-keylen", bits, "-o", "out", "in")
        made = place.read("out")
        assert size < 15 or data not in made
        place.ok("verify", "--format", "mcuboot", "--key", f"{signer}.pub", "--decrypt-key",
                 f"{kind}.pem", "out")
        place.ok("decrypt", "--format", "mcuboot", "--decrypt-key", f"{kind}.pem", "--key",
                 f"{signer}.pub", "--payload", "-o", "back", "out")
        back = place.read("back")
        assert back[:size] == data and len(back) - size < 16 and not any(back[size:])
        place.altered("out")
        place.refused(4, "verify", "--format", "mcuboot", "--key", f"{signer}.pub", "--decrypt-key",
                      f"{kind}.pem", "out")


def test_mcuboot_as_intel_hex(place):
    for size in place.sizes()[:6]:
        data = place.payload(size)
        place.ok("sign", *MCUBOOT, "--key", "p256.pem", "--hex-addr", "0x8000", "-o", "out", "in")
        assert place.read("out").startswith(b":")
        place.ok("verify", "--format", "mcuboot", "--key", "p256.pub", "out")
        place.ok("convert", "--format", "mcuboot", "-o", "back", "out")
        assert place.read("back")[0x200:0x200 + size] == data
        place.altered("out", bit=0)  # not the bit of a letter's case: either is good
        place.refused(4, "verify", "--format", "mcuboot", "--key", "p256.pub", "out")


# --- ESP32 ------------------------------------------------------------------------------

@pytest.mark.parametrize("kind, large", [("p256", False), ("rsa", True)])
def test_esp_secure_boot_v2(place, kind, large):
    how = ["--format", "esp-secure-boot-v2", "--content", "data"]
    for size in place.sizes(large):
        data = place.payload(size)
        place.ok("sign", *how, "--key", f"{kind}.pem", "-o", "out", "in")
        made, body = place.read("out"), -(-size // 4096) * 4096
        assert made[:size] == data and made[size:body].strip(b"\xff") == b""
        assert len(made) == body + 4096
        place.ok("verify", *how, "--key", f"{kind}.pub", "out")
        at = place.altered("out")
        assert "HM-32" in place.refused(4, "verify", *how, "--key", f"{kind}.pub", "out"), at
    place.payload(0)
    assert f"HM-{EMPTY}" in place.refused(10, "sign", *how, "--key", f"{kind}.pem", "-o", "out", "in")


@pytest.mark.parametrize("chip, key, large", [("esp32", 32, False), ("esp32c3", 32, False),
                                              ("esp32s3", 64, True)])
def test_esp_flash_encryption(place, chip, key, large):
    how = ["--format", "esp-flash-encryption", "--chip", chip, "--flash-key", f"flash{key}"]
    for size in place.sizes():
        size = 16 * MIB - 7 if large and size == 1 else size
        data, where = place.payload(size), place.random.randrange(64) * 0x1000
        place.ok("encrypt", *how, "--pad", "--address", hex(where), "-o", "out", "in")
        place.ok("decrypt", *how, "--address", hex(where), "-o", "back", "out")
        made, back = place.read("out"), place.read("back")
        assert back[:size] == data and back[size:].strip(b"\xff") == b""
        assert len(made) == len(back) < size + 32 and (size < 15 or data not in made)
        place.ok("decrypt", *how, "--address", hex(where + 0x1000), "-o", "back", "out")
        assert size < 15 or data not in place.read("back")


@pytest.mark.parametrize("kind, large", [("rsa", True), ("p256", False)])
def test_esp_encrypted_img(place, kind, large):
    how = ["--format", "esp-encrypted-img"]
    for size in place.sizes(large):
        data = place.payload(size)
        place.ok("encrypt", *how, "--encrypt-key", f"{kind}.pub", "-o", "out", "in")
        place.ok("decrypt", *how, "--decrypt-key", f"{kind}.pem", "-o", "back", "out")
        assert place.read("back") == data
        (place.folder / "back").unlink()
        at = place.altered("out")
        place.refused(4, "decrypt", *how, "--decrypt-key", f"{kind}.pem", "-o", "back", "out")
        assert not (place.folder / "back").exists(), at


def random_app(place, chip, ram, size):
    """An application image with about so many bytes in segments of any number and size, and a hash"""
    count = place.random.randrange(1, 17)
    description = struct.pack("<II", 0xABCD5432, place.random.randrange(17)) + bytes(248)
    data = [description if n == 0 else b"" for n in range(count)]
    for n in range(count):
        data[n] += place.random.randbytes(max(4, (size // count + place.random.randrange(64)) // 4 * 4))
    image = struct.pack("<BBBBIB3sHBHHIB", 0xE9, count, 2, 0x20, ram, 0xEE, bytes(3), chip, 0, 0, 999, 0, 1)
    for part in data:
        image += struct.pack("<II", ram, len(part)) + part
    folded = b"".join(data)
    checksum = functools.reduce(operator.xor, (byte * (folded.count(byte) & 1) for byte in range(256)), 0xEF)
    image += bytes(15 - len(image) % 16) + bytes([checksum])
    image += hashlib.sha256(image).digest()
    (place.folder / "in").write_bytes(image)
    for name in ("out", "back"):
        (place.folder / name).unlink(missing_ok=True)
    return image


APP_SIZES = [4, 4095, 65537, 1 << 20, 14 << 20]


@pytest.mark.parametrize("size", APP_SIZES)
def test_esp_application(place, size):
    image = random_app(place, 5, 0x3FC80000, size)
    place.ok("verify", "--format", "esp-app-image", "--chip", "esp32c3", "in")
    sign = ["--format", "esp-secure-boot-v2", "--chip", "esp32c3"]
    place.ok("sign", *sign, "--key", "rsa.pem", "-o", "out", "in")
    made = place.read("out")
    body = -(-len(image) // 4096) * 4096
    assert made[:len(image)] == image and len(made) == body + 4096
    place.ok("verify", *sign, "--key", "rsa.pub", "out")
    at = place.altered("out", size=len(image))
    assert "HM-32" in place.refused(4, "verify", *sign, "--key", "rsa.pub", "out"), (SEED, at)
    # a page of the MMU, so that the sector of signatures starts one
    pad = ["convert", "--format", "esp-app-image", "--secure-pad", "v2", "-o", "back", "in"]
    if image[1] == 16:  # what fills it would be one segment too many
        assert "has 16 segments" in place.refused(4, *pad), SEED
        return
    place.ok(*pad)
    place.ok("verify", "--format", "esp-app-image", "--chip", "esp32c3", "back")
    back = place.read("back")
    assert len(back) % 65536 == 0 and back[24:len(image) - 48] == image[24:-48], SEED


@pytest.mark.parametrize("size", APP_SIZES)
def test_esp_secure_boot_v1(place, size):
    image = random_app(place, 0, 0x3FFB0000, size)
    how = ["--format", "esp-secure-boot-v1"]
    place.ok("sign", *how, "--key", "p256.pem", "-o", "out", "in")
    assert place.read("out")[:-68] == image
    place.ok("verify", *how, "--key", "p256.pub", "out")
    at = place.altered("out")
    assert "HM-32" in place.refused(4, "verify", *how, "--key", "p256.pub", "out"), (SEED, at)


def test_esp_partition_table(place):
    how = ["--format", "esp-partition-table"]
    for _ in range(8):
        rows, wanted, at = [], [], 0x10000
        for name in names(place, place.random.randrange(1, 60)):
            size = place.random.randrange(1, 64) * 0x1000
            kind, subtype = place.random.choice([(0, 0x10), (1, 1), (0x40, 7), (0xFE, 0xFE)])
            if kind == 0:
                at, subtype = -(-at // 0x10000) * 0x10000, 0x10 + sum(1 for row in wanted if row[0] == 0)
                if subtype > 0x1F:
                    continue
            flag = place.random.randrange(2)
            rows.append(f"{name},{kind},{subtype},{at:#x},{size:#x},{'encrypted' if flag else ''}")
            wanted.append((kind, subtype, at, size, name.encode(), flag))
            at += size
        (place.folder / "in").write_text("# Name, Type, SubType, Offset, Size, Flags\n" + "\n".join(rows) + "\n")
        for name in ("out", "back", "again"):
            (place.folder / name).unlink(missing_ok=True)
        place.ok("convert", *how, "--flash-size", "32M", "-o", "out", "in")
        made = place.read("out")
        for n, row in enumerate(wanted):
            magic, *found, label, flags = struct.unpack("<HBBII16sI", made[32 * n:32 * n + 32])
            assert (magic, *found, label.rstrip(b"\0"), flags) == (0x50AA, *row), SEED
        assert made[32 * len(wanted) + 16:][:16] == hashlib.md5(made[:32 * len(wanted)]).digest()
        place.ok("convert", *how, "--flash-size", "32M", "-o", "back", "out")
        place.ok("convert", *how, "--flash-size", "32M", "-o", "again", "back")
        assert place.read("again") == made, SEED
        offset = place.altered("out", size=32 * len(wanted))
        assert "HM-32" in place.refused(4, "verify", *how, "--flash-size", "32M", "out"), (SEED, offset)


# --- U-Boot -----------------------------------------------------------------------------

ITS = """/dts-v1/; / { description = "round"; #address-cells = <1>;
 images { kernel { description = "kernel"; data = /incbin/("in"); type = "kernel"; arch = "arm64";
   os = "linux"; compression = "none"; load = <0x80000>; entry = <0x80000>;
   hash-1 { algo = "sha256"; }; }; };
 configurations { default = "conf-1"; conf-1 { description = "one"; kernel = "kernel"; }; }; };
"""


@pytest.mark.parametrize("kind, large", [("rsa", True), ("p256", False)])
def test_fit(place, kind, large):
    (place.folder / "in.its").write_text(ITS)
    for size in place.sizes(large):
        data = place.payload(size)
        subprocess.run(["mkimage", "-f", "in.its", "fit"], cwd=place.folder, check=True,
                       capture_output=True)
        place.ok("sign", "--format", "fit", "--hint", "dev", "--key", f"{kind}.pem", "-o", "out", "fit")
        assert data in place.read("out")
        place.ok("verify", "--format", "fit", "--key", f"{kind}.pub", "out")
        # The tree has bytes that no boot loader looks at and no signature covers.
        at = place.altered("out", place.read("out").index(data), size)
        assert "HM-32" in place.refused(4, "verify", "--format", "fit", "--key", f"{kind}.pub",
                                        "out"), at


@pytest.mark.parametrize("redundant", [False, True])
def test_uboot_env(place, redundant):
    how, flag = ["--format", "uboot-env"], ["--redundant"] if redundant else []
    for count in (1, 7, 200):
        lines = []
        for name in names(place, count):
            value = "".join(place.random.choices([chr(n) for n in range(33, 127)], k=place.random.randrange(1, 80)))
            lines.append(f"{name}={value}")
        (place.folder / "in").write_text("".join(line + "\n" for line in lines))
        for name in ("out", "back"):
            (place.folder / name).unlink(missing_ok=True)
        place.ok("convert", *how, *flag, "--env-size", "0x8000", "-o", "out", "in")
        made = place.read("out")
        assert len(made) == 0x8000 and made[4 + redundant:].partition(b"\0\0")[0].decode() == "\0".join(lines)
        place.ok("verify", *how, *flag, "out")
        place.ok("convert", *how, *flag, "-o", "back", "out")
        assert place.read("back") == place.read("in"), SEED
        at = place.altered("out", start=5)
        assert "HM-32" in place.refused(4, "verify", *how, *flag, "out"), (SEED, at)


# --- what a factory gets ------------------------------------------------------------------

@pytest.mark.parametrize("kind, large", [("p256", True)])
def test_bundle(place, kind, large):
    how = ["--format", "bundle"]
    for size in place.sizes(large) + [0]:
        data = place.payload(size)
        place.ok("encrypt", *how, "--encrypt-key", f"{kind}.pub", "-o", "out", "in")
        assert size < 15 or data not in place.read("out")
        place.ok("verify", *how, "--decrypt-key", f"{kind}.pem", "out")
        place.ok("decrypt", *how, "--decrypt-key", f"{kind}.pem", "-o", "back", "out")
        with tarfile.open(place.folder / "back") as tar:
            assert tar.getnames() == ["in"] and tar.extractfile("in").read() == data
        (place.folder / "back").unlink()
        if place.random.randrange(2):
            at = place.altered("out")
        else:
            at = place.random.randrange((place.folder / "out").stat().st_size)
            os.truncate(place.folder / "out", at)
        done = run(place.folder, "decrypt", *how, "--decrypt-key", f"{kind}.pem", "-o", "back", "out")
        assert done.returncode in (4, 10) and b"HM-32" in done.stderr, (SEED, size, at, done.stderr)
        assert not (place.folder / "back").exists(), (SEED, at)


# --- partitions ---------------------------------------------------------------------------

def names(place, count, longest=15):
    letters = "abcdefghijklmnopqrstuvwxyz_0123456789"
    made = set()
    while len(made) < count:
        made.add("".join(place.random.choices(letters, k=place.random.randrange(1, longest + 1))))
    return sorted(made)


def random_nvs(place):
    """Rows, and what a reader must find"""
    rows, wanted = [], {}
    for space in names(place, place.random.randrange(1, 5)):
        rows.append(f"{space},namespace,,")
        for key in names(place, place.random.randrange(1, 12)):
            kind = place.random.choice(["u8", "i16", "u32", "i64", "string", "hex2bin", "binary"])
            if kind in ("u8", "i16", "u32", "i64"):
                bits, signed = int(kind[1:]), kind[0] == "i"
                value = place.random.randrange(-(1 << bits - 1), 1 << bits - 1) if signed else \
                    place.random.randrange(1 << bits)
                rows.append(f"{key},data,{kind},{value}")
                wanted[space, key] = value.to_bytes(bits // 8, "little", signed=signed)
            elif kind == "string":
                text = "x" * place.random.randrange(200)
                rows.append(f"{key},data,string,{text}")
                wanted[space, key] = text.encode() + b"\0"
            else:
                data = place.random.randbytes(place.random.randrange(300 if kind == "hex2bin" else 5000))
                (place.folder / f"{space}-{key}").write_bytes(data)
                rows.append(f"{key},data,hex2bin,{data.hex()}" if kind == "hex2bin" else
                            f"{key},file,binary,{space}-{key}")
                wanted[space, key] = data
    (place.folder / "in").write_text("key,type,encoding,value\n" + "\n".join(rows) + "\n")
    return wanted


@pytest.mark.parametrize("encrypted", [False, True])
def test_nvs(place, encrypted):
    how = ["--format", "esp-nvs"]
    for _ in range(8):
        wanted, key, words = random_nvs(place), [], []
        (place.folder / "nvs.key").unlink(missing_ok=True)
        place.ok("convert", *how, "--partition-size", "0x60000",
                 *(["--nvs-new-key", "nvs.key"] if encrypted else []), "-o", "out", "in")
        if encrypted:
            key, words = [place.read("nvs.key")[:64]], ["--nvs-key", "nvs.key"]
        place.ok("verify", *how, *words, "out")
        assert read_nvs(place.read("out"), *key) == wanted, SEED
        # the head of the first page under its CRC; a bit of its state or bitmap that falls is a full page,
        # or an entry that was erased, and both are in form
        at = place.altered("out", start=4, size=28)
        assert "HM-32" in place.refused(4, "verify", *how, *words, "out"), at


def test_esp_secure_cert(place):
    how = ["--format", "esp-secure-cert"]
    head = "tlv_type,tlv_subtype,data_value,data_type,priv_key_type,algorithm,key_size,efuse_id,efuse_key\n"
    for _ in range(8):
        rows, wanted = [], []
        for kind in range(1, 6):
            for subtype in sorted(place.random.sample(range(17), place.random.randrange(4))):
                data = place.random.randbytes(place.random.randrange(1, 2000))
                (place.folder / f"blob-{kind}-{subtype}").write_bytes(data)
                file = place.random.randrange(2)
                rows.append(f"ESP_SECURE_CERT_USER_DATA_{kind}_TLV,{subtype}," + (
                    f"blob-{kind}-{subtype},file,,,,," if file else f"{data.hex()},hex,,,,,"))
                wanted.append((subtype, data))
        if not rows:
            continue
        (place.folder / "in").write_text(head + "\n".join(rows) + "\n")
        place.ok("convert", *how, "-o", "plain", "in")
        *found, integrity = tlvs(place.read("plain"))
        assert [tlv[1:] for tlv in found] == wanted and len(integrity[2]) == 32, SEED
        (place.folder / "out").unlink(missing_ok=True)
        place.ok("sign", *how, "--key", "p256.pem", "-o", "out", "plain")
        place.ok("verify", *how, "--key", "p256.pub", "out")
        at = place.altered("out", size=(place.folder / "plain").stat().st_size)
        assert "HM-32" in place.refused(4, "verify", *how, "--key", "p256.pub", "out"), at
