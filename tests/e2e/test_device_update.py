# SPDX-License-Identifier: Apache-2.0
"""hallmark device update against a product of flash, boot loader core and application

The product is a process of its own (hallmark-vproduct), started again whenever power was cut.
Images are made by `hallmark image sign`; what the first word of a payload says is how that version
tests itself: pass, fail, hang, or neither of them.
"""
import hashlib, json, os, random, shutil, signal, subprocess, time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

BUILD = os.environ["BUILD"]
HALLMARK = BUILD + "/src/cmd/hallmark"
FULL = BUILD + "/src/cmd/hallmark-full"
VPRODUCT = BUILD + "/device/virtual/product/hallmark-vproduct"
KEYS_TLV = "0x48a1"
PAYLOAD = 100_000


class Key:
    def __init__(self, folder, name):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        self.path.chmod(0o600)

    def hash(self):
        return hashlib.sha256(self.key.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def sign(folder, version, key, word=b"pass", counter=None, more=()):
    payload, image = folder / f"app-{version}", folder / f"v{version}.bin"
    payload.write_bytes(word + random.Random(version).randbytes(PAYLOAD))
    subprocess.run(
        [HALLMARK, "image", "sign", "--format", "mcuboot", "--key", key.path,
         "--public-key-format", "full", "--image-version", f"{version}.0.0",
         "--header-size", "0x200", "--pad-header", "--slot-size", "0x40000",
         "--security-counter", str(version if counter is None else counter),
         *more, "-o", image, payload], check=True, capture_output=True, timeout=60)
    return image


class Product:
    """A folder, and the process that is its power."""

    def __init__(self, folder, key, image, *words):
        self.folder, self.process = folder / "product", None
        self.socket = f"unix:{folder}/link"
        self.log = folder / "product.log"
        subprocess.run([VPRODUCT, "fab", "--dir", self.folder, "--boot-key", key.hash(),
                        "--image", image, *words], check=True, capture_output=True, timeout=60)

    def on(self, *words):
        self.process = subprocess.Popen(
            [VPRODUCT, "run", "--dir", self.folder, "--link", self.socket, "--timeout-s", "30", *words],
            stderr=self.log.open("ab"), stdout=subprocess.DEVNULL)
        return self

    def off(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def hallmark(self, *words, timeout=60):
        run = subprocess.run([FULL, "device", *map(str, words), "--link", self.socket, "--json"],
                             capture_output=True, timeout=timeout, check=False)
        return run.returncode, json.loads(run.stdout or run.stderr or b"{}"), run.stderr.decode()

    def update(self, image, *words, **given):
        return self.hallmark("update", image, *words, **given)

    def firmware(self):
        status, said, error = self.hallmark("firmware")
        assert status == 0, error
        return said


@pytest.fixture
def key(tmp_path):
    return Key(tmp_path, "one")


@pytest.fixture
def product(tmp_path, key):
    made = Product(tmp_path, key, sign(tmp_path, 1, key))
    yield made
    made.off()


def test_an_update_that_passes_stays_and_the_one_before_is_refused(product, tmp_path, key):
    product.on()
    assert product.firmware()["version"] == "1.0.0+0"
    status, said, error = product.update(sign(tmp_path, 2, key))
    assert status == 0, error
    assert (said["version"], said["confirmed"], said["security_counter"]) == ("2.0.0+0", True, 2)
    status, _, error = product.update(tmp_path / "v1.bin")
    assert status != 0 and "HM-3111" in error
    assert product.firmware()["version"] == "2.0.0+0"


@pytest.mark.parametrize("word", [b"hang", b"fail"])
def test_an_update_that_does_not_pass_goes_and_the_one_before_is_back(product, tmp_path, key, word):
    product.on()
    status, _, error = product.update(sign(tmp_path, 2, key, word))
    assert status != 0 and "HM-2103" in error and "went back" in error
    said = product.firmware()
    assert (said["version"], said["confirmed"], said["security_counter"]) == ("1.0.0+0", True, 1)
    status, said, error = product.update(sign(tmp_path, 3, key))
    assert status == 0 and said["version"] == "3.0.0+0", error


def test_an_update_is_installed_and_left_for_the_next_start(product, tmp_path, key):
    product.on()
    status, said, error = product.update(sign(tmp_path, 2, key), "--no-restart")
    assert status == 0 and said["update"] == "installed", error
    assert product.firmware()["version"] == "1.0.0+0"
    product.off()
    assert product.on().firmware()["version"] == "2.0.0+0"


@pytest.mark.parametrize("spoil", ["signature", "payload", "version", "key"])
def test_what_is_not_signed_is_refused_and_changes_nothing(product, tmp_path, key, spoil):
    product.on()
    image = bytearray(sign(tmp_path, 2, key).read_bytes())
    if spoil == "signature":
        image[-2] ^= 1
    elif spoil == "payload":
        image[50_000] ^= 1
    elif spoil == "version":
        image[20] ^= 4
    else:
        image = bytearray(sign(tmp_path, 2, Key(tmp_path, "other")).read_bytes())
    (tmp_path / "bad.bin").write_bytes(image)
    status, _, error = product.update(tmp_path / "bad.bin")
    named = {"signature": "HM-3206", "key": "HM-3207"}.get(spoil, "HM-3205")
    assert status != 0 and named in error
    said = product.firmware()
    assert (said["version"], said["update"]) == ("1.0.0+0", "none")


def update_with_a_cut(product, image, cut, tear):
    """Was there so much to cut? The product is switched on again, and the command carries on."""
    product.on("--power-cut", str(cut), "--tear", tear)
    host = subprocess.Popen([FULL, "device", "update", image, "--link", product.socket, "--json"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    was_cut = False
    while host.poll() is None:
        if product.process.poll() is not None:
            assert product.process.returncode == 85
            was_cut = True
            product.on()
        time.sleep(0.02)
    out, error = host.communicate()
    assert host.returncode == 0, (cut, error.decode(), product.log.read_text())
    product.off()
    return was_cut, json.loads(out)["version"]


def update_in_s(product, image):
    """An update that nobody disturbs, for how long they take on this machine."""
    began = time.monotonic()
    status, _, error = product.on().update(image)
    assert status == 0, error
    product.off()
    return time.monotonic() - began


def test_goes_on_after_the_product_was_killed_at_random(product, tmp_path, key):
    span = update_in_s(product, sign(tmp_path, 2, key))
    image = sign(tmp_path, 3, key)
    chance = random.Random(5)
    host = subprocess.Popen([FULL, "device", "update", image, "--link", product.socket, "--json"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    kills = 0
    while host.poll() is None and kills < 40:
        product.on()
        time.sleep(chance.uniform(0.02, 0.25) * span)
        product.off()
        kills += 1
    product.on()
    _, error = host.communicate(timeout=60)
    if host.returncode != 0:  # every start of the trial was killed: it was taken back, as it has to be
        assert b"HM-2103" in error, error.decode()
        assert product.firmware()["version"] == "2.0.0+0"
        status, _, error = product.update(image)
        assert status == 0, error
    said = product.firmware()
    assert (said["version"], said["confirmed"]) == ("3.0.0+0", True)
    assert kills >= 2


def test_goes_on_after_the_host_was_killed_at_random(product, tmp_path, key):
    span = update_in_s(product, sign(tmp_path, 2, key))
    image = sign(tmp_path, 3, key)
    chance = random.Random(6)
    product.on()
    for _ in range(8):
        host = subprocess.Popen([FULL, "device", "update", image, "--link", product.socket, "--no-restart"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.04, 0.17) * span)
        host.kill()
        host.wait()
    if product.firmware()["update"] != "installed":
        status, said, error = product.update(image)
        assert status == 0 and said["version"] == "3.0.0+0", error


# Operations on flash: of receiving, and at most until the confirmation.
RECEIVING, ALL = PAYLOAD // 8 + 27, PAYLOAD // 8 + 600


@pytest.mark.parametrize("tear", ["clean", "torn", "daily", "late"])
def test_power_cuts_leave_the_old_image_or_the_new_one(product, tmp_path, key, tear):
    """Some steps of receiving."""
    chance = random.Random(tear)
    for version in range(2, 8):
        image = sign(tmp_path, version, key)
        cut = chance.choice([chance.randrange(1, RECEIVING), RECEIVING + chance.randrange(0, 60)])
        assert update_with_a_cut(product, image, cut, tear) == (True, f"{version}.0.0+0")
    assert product.on().firmware()["security_counter"] == 7


def test_power_cuts_while_it_is_installed(tmp_path, key):
    """One in two of the last steps: install, trial, confirmation. What was not noted comes once more."""
    first, image, cuts = sign(tmp_path, 1, key), sign(tmp_path, 2, key), 0
    cut = ALL - random.randrange(2)
    while cuts < 25:
        product = Product(tmp_path, key, first)
        was_cut, version = update_with_a_cut(product, image, cut, "torn")
        assert version == "2.0.0+0" and (was_cut or cuts == 0)
        cuts += was_cut
        cut -= 2 if was_cut else 8
        shutil.rmtree(product.folder)


def test_an_encrypted_update_is_opened_by_the_product_alone(product, tmp_path, key):
    product.on()
    for version, bits in ((2, "128"), (3, "256")):
        image = sign(tmp_path, version, key,
                     more=["--encrypt-key", product.folder / "kem.pub", "--encrypt-keylen", bits])
        assert (tmp_path / f"app-{version}").read_bytes()[:64] not in image.read_bytes()
        status, said, error = product.update(image)
        assert status == 0 and said["version"] == f"{version}.0.0+0", error
    other = Key(tmp_path, "other")
    (tmp_path / "other.pub").write_bytes(other.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    image = sign(tmp_path, 4, key, more=["--encrypt-key", tmp_path / "other.pub"])
    status, _, error = product.update(image)
    assert status != 0 and "HM-3208" in error


def rotate(adds=(), revokes=()):
    value = bytes([len(adds), len(revokes)]).hex() + "".join(k.hash() for k in [*adds, *revokes])
    return ["--custom-tlv", f"{KEYS_TLV}=0x{value}"]


def test_keys_move_on_in_two_updates(product, tmp_path, key):
    two = Key(tmp_path, "two")
    product.on()
    status, _, error = product.update(sign(tmp_path, 2, two))
    assert status != 0 and "HM-3207" in error
    status, _, error = product.update(sign(tmp_path, 3, key, more=rotate([two], [key])))
    assert status != 0 and "HM-3304" in error
    status, _, error = product.update(sign(tmp_path, 3, key, more=rotate([two])))
    assert status == 0, error
    status, _, error = product.update(sign(tmp_path, 4, two, more=rotate([], [key])))
    assert status == 0, error
    status, _, error = product.update(sign(tmp_path, 5, key))
    assert status != 0 and "HM-3207" in error
    status, said, error = product.update(sign(tmp_path, 5, two))
    assert status == 0 and said["version"] == "5.0.0+0", error


def test_a_recovery_image_is_replaced_while_the_product_runs(product, tmp_path, key):
    product.on()
    role = ["--custom-tlv", "0x48a0=0x99"]
    status, said, error = product.update(sign(tmp_path, 1, key, more=role), "--no-restart")
    assert status == 0, error
    assert said["version"] == "1.0.0+0"


def test_nobody_there_is_said_in_time(product, tmp_path, key):
    began = time.monotonic()
    status, _, error = product.update(sign(tmp_path, 2, key), "--timeout-s", "1")
    assert status != 0 and "HM-2101" in error and time.monotonic() - began < 10
