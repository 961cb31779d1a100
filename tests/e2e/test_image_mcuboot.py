# SPDX-License-Identifier: Apache-2.0
"""hallmark image --format mcuboot: all vectors, every gap of imgtool, python3-cryptography
and openssl on the other side"""
import base64, hashlib, itertools, json, os, pathlib, random, shlex, struct, subprocess

import pytest
from cryptography.hazmat.primitives import hashes, hmac, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from line import LOSES, MODULE

HALLMARK = os.environ["BUILD"] + "/src/cmd/hallmark"
VECTORS = pathlib.Path(__file__).parents[1] / "vectors/images/mcuboot"
MANIFEST = json.loads((VECTORS / "manifest.json").read_text())
ROWS = {row["id"]: row for row in MANIFEST["vectors"]}
PLAIN = ["--header-size", "0x200", "--pad-header", "--image-version", "1.2.3+4"]
# first words of the manifest's rule: our error
RULES = [("header magic", "HM-3201"), ("shorter than a header", "HM-3202"),
         ("unprot area beyond", "HM-3202"), ("file ends before", "HM-3202"),
         ("data after", "HM-3203"), ("image hash", "HM-3205"), ("DER", "HM-3206"),
         ("signature without key", "HM-3204"), ("signature type", "HM-3211"),
         ("signature", "HM-3206"), ("unknown key", "HM-3207"), ("no signature", "HM-3207"),
         ("ECIES", "HM-3208"), ("OAEP", "HM-3208"), ("key wrap", "HM-3208"), ("", "HM-3204")]


def image(verb, *words, env=None, stdin=None, cwd=VECTORS):
    return subprocess.run([HALLMARK, "image", verb, "--format", "mcuboot", *map(str, words)],
                          capture_output=True, timeout=300, check=False, cwd=cwd, input=stdin,
                          env=dict(os.environ, **(env or {})))


def done(verb, *words, **given):
    run = image(verb, *words, **given)
    assert run.returncode == 0, run.stderr.decode()
    return run


def refused(error, verb, *words, output=None, **given):
    """It fails with that error, and what was there before is there still."""
    if output is not None:
        output.write_bytes(b"as it was")
        words = (*words, "-o", output)
    run = image(verb, *words, **given)
    said = run.stderr.decode()
    assert run.returncode != 0 and f"[{error}]" in said, said
    if output is not None:
        assert output.read_bytes() == b"as it was"
        assert [p.name for p in output.parent.iterdir() if p.name.startswith(".")] == []
    return said


def key(name, public=False):
    return VECTORS / "keys" / (name + (".pub.pem" if public else ".pem"))


def key_file(name):
    return VECTORS / MANIFEST["keys"][name]["file"]


def private(name):
    return serialization.load_pem_private_key(key(name).read_bytes(), None)


# --- the image, read by another reader ---------------------------------------------

class Image:
    def __init__(self, data):
        self.data = data
        (magic, self.load, self.header, self.protect, self.size, self.flags, *version,
         pad) = struct.unpack_from("<IIHHIIBBHII", data)
        assert magic == 0x96F3B83D and pad == 0
        self.version = tuple(version)
        self.signed_end = self.header + self.size + self.protect
        self.protected = self.area(self.header + self.size, 0x6908) if self.protect else []
        self.tlvs = self.area(self.signed_end, 0x6907)
        self.end = self.signed_end + struct.unpack_from("<H", data, self.signed_end + 2)[0]

    def area(self, at, magic):
        found, total = struct.unpack_from("<HH", self.data, at)
        assert found == magic
        end, at, tlvs = at + total, at + 4, []
        while at < end:
            kind, size = struct.unpack_from("<HH", self.data, at)
            tlvs.append((kind, self.data[at + 4:at + 4 + size]))
            at += 4 + size
        assert at == end
        return tlvs

    def one(self, *kinds):
        return next(value for kind, value in self.tlvs if kind in kinds)

    def payload(self):
        return self.data[self.header:self.header + self.size]

    def body(self, plain):
        return (self.data[:self.header] + plain +
                self.data[self.header + self.size:self.signed_end])


def open_key(picture, opener):
    """The payload key, by the device's own means."""
    bits = 256 if picture.flags & 8 else 128
    kind, value = next((k, v) for k, v in picture.tlvs if 0x30 <= k <= 0x34)
    if kind == 0x31:
        return keywrap.aes_key_unwrap(opener, value)
    if kind == 0x30:
        return opener.decrypt(value, padding.OAEP(padding.MGF1(hashes.SHA256()),
                                                  hashes.SHA256(), None))
    sha = hashes.SHA512() if kind == 0x34 else hashes.SHA256()
    if kind == 0x32:
        point, value = value[:65], value[65:]
        other = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        shared = opener.exchange(ec.ECDH(), other)
    else:
        point, value = value[:32], value[32:]
        shared = opener.exchange(x25519.X25519PublicKey.from_public_bytes(point))
    keys = HKDF(sha, bits // 8 + sha.digest_size, None, b"MCUBoot_ECIES_v1").derive(shared)
    mac = hmac.HMAC(keys[bits // 8:], sha)
    mac.update(value[sha.digest_size:])
    mac.verify(value[:sha.digest_size])
    return ctr(keys[:bits // 8], value[sha.digest_size:])


def ctr(secret, data):
    return Cipher(algorithms.AES(secret), modes.CTR(bytes(16))).encryptor().update(data)


def check_signature(public, message, digest, signature):
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, digest, padding.PSS(padding.MGF1(hashes.SHA256()), 32),
                      Prehashed(hashes.SHA256()))
    elif isinstance(public, ed25519.Ed25519PublicKey):
        public.verify(signature, message)
    else:
        sha = hashes.SHA384() if public.curve.key_size == 384 else hashes.SHA256()
        public.verify(signature, digest, ec.ECDSA(Prehashed(sha)))


def check(data, signer, plain, opener=None):
    """All of an image, by the rules of MCUboot's documents; the plain payload starts so."""
    picture = Image(data)
    payload = picture.payload()
    if opener is not None:
        payload = ctr(open_key(picture, opener), payload)
    assert payload[:len(plain)] == plain and not any(payload[len(plain):])
    body = picture.body(payload)
    name = {0x10: "sha256", 0x11: "sha384", 0x12: "sha512"}
    kind, digest = next((k, v) for k, v in picture.tlvs if k in name)
    assert hashlib.new(name[kind], body).digest() == digest
    public = private(signer).public_key() if isinstance(signer, str) else signer
    encoding = (serialization.PublicFormat.PKCS1 if isinstance(public, rsa.RSAPublicKey)
                else serialization.PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(serialization.Encoding.DER, encoding)
    pairs = {}
    for (k, v), (_, signature) in zip(picture.tlvs, picture.tlvs[1:]):
        if k in (1, 2):
            pairs[v] = signature
    pure = (0x25, b"\x01") in picture.tlvs
    named = pairs.get(der) or pairs[hashlib.new(name[kind], der).digest()]
    check_signature(public, body if pure else digest, digest, named)
    return picture


# --- the vectors, through the command ------------------------------------------------

def verify_words(row):
    words = []
    for name in row.get("verify_keys", [row["verify_key"]]):
        words += ["--key", key(name, public=True)]
    if "decrypt_key" in row:
        words += ["--decrypt-key", key_file(row["decrypt_key"])]
    return words + ["--slot-size", row["slot_size"]]


def test_every_vector_is_judged_as_the_manifest_says():
    judged = {"accept": 0, "reject": 0}
    for name, row in ROWS.items():
        run = image("verify", "--json", *verify_words(row), row["file"])
        said = json.loads(run.stdout.splitlines()[0])
        assert said["verdict"] == row["expect"], name
        assert run.returncode == (0 if row["expect"] == "accept" else 4), name
        boot = said.get("boot_loader", row["expect"])
        if row.get("bootloader") == "mixed":
            assert "Mbed TLS builds refuse" in said["boot_loader_why"], name
        elif row.get("bootloader"):
            assert boot == row["bootloader"], name
        if row["expect"] == "reject" and name != "p256-protected.tlvtotal-0":
            error = next(e for rule, e in RULES if row["first_fault"].startswith(rule))
            assert said["error"] == error, (name, said["faults"])
            assert all("offset" in fault for fault in said["faults"]), name
        for tlv in row.get("tlvs", []):
            if row["file"].endswith(".bin"):
                assert any(part["offset"] == tlv["offset"] + 4 and part["size"] == tlv["len"]
                           for part in said["parts"]), (name, tlv)
        judged[row["expect"]] += 1
    assert judged == {"accept": 51, "reject": 191}


OURS = {"-k": "--key", "-H": "--header-size", "-S": "--slot-size", "-v": "--image-version",
        "-M": "--max-sectors", "-R": "--erased-val", "-s": "--security-counter",
        "-d": "--dependencies", "-E": "--encrypt-key", "-x": "--hex-addr"}


def our_words(row, out):
    """imgtool's command in our words; most of them are the same."""
    words, theirs = [], iter(shlex.split(row["made_by"])[2:-2])
    for word in theirs:
        if word == "--custom-tlv":
            words += [word, next(theirs) + "=" + next(theirs)]
        elif word == "--sha":
            words += ["--hash", "sha" + next(theirs)]
        else:
            words.append(OURS.get(word, word))
    if "-k" not in row["made_by"]:
        return None
    if "--align" in words[words.index("--align") + 1:]:  # given twice: the last one counts
        at = words.index("--align")
        del words[at:at + 2]
    return words + ["-o", out, row["payload"]]


RANDOM = {0x20, 0x22, 0x23, 0x30, 0x32, 0x33, 0x34}


def from_hex(text):
    """Bytes by address, checksums looked at."""
    found, base = {}, 0
    for line in text.decode().splitlines():
        raw = bytes.fromhex(line[1:])
        assert sum(raw) & 255 == 0
        if raw[3] == 4:
            base = int.from_bytes(raw[4:6], "big") << 16
        if raw[3] == 0:
            at = base + int.from_bytes(raw[1:3], "big")
            found.update({at + i: byte for i, byte in enumerate(raw[4:-1])})
    return found


def test_options_that_imgtool_users_know_make_the_same_images(tmp_path):
    made = identical = 0
    for name, row in ROWS.items():
        if row["kind"] != "valid" or not row.get("made_by", "").startswith("imgtool sign -k"):
            continue
        if "--compression" in row["made_by"]:
            continue
        out = tmp_path / row["file"]
        words = our_words(row, out)
        if "--overwrite-only" in words and "--confirm" in words:
            assert "overwrite-only" in refused("HM-1001", "sign", *words)
            words[words.index("--confirm")] = "--pad"
        done("sign", *words)
        ours, theirs = out.read_bytes(), (VECTORS / row["file"]).read_bytes()
        made += 1
        if name.startswith("ed25519") and "--encrypt-keylen" not in words \
                and "--encrypt-key" not in words:
            assert ours == theirs, name
            identical += 1
            continue
        if out.suffix == ".hex":
            ours, theirs = from_hex(ours), from_hex(theirs)
            low = min(theirs)
            assert min(ours) == low and max(ours) >= max(theirs) - 3
            ours, theirs = (bytes(d.get(low + i, 255) for i in range(2048))
                            for d in (ours, theirs))
        a, b = Image(ours), Image(theirs)
        assert [t for t in a.tlvs if t[0] not in RANDOM] == \
            [t for t in b.tlvs if t[0] not in RANDOM], name
        assert [t[0] for t in a.tlvs] == [t[0] for t in b.tlvs], name
        assert a.protected == b.protected and a.data[:a.header] == b.data[:b.header], name
        if not a.flags & 12:
            assert a.payload() == b.payload(), name
        if a.end == b.end:
            assert len(ours) == len(theirs) and ours[a.end:] == theirs[b.end:], name
    assert (made, identical) == (39, 4)


# --- every key with every other ------------------------------------------------------

SIGNERS = ["sig-p256", "sig-p384", "sig-rsa2048", "sig-rsa3072", "sig-ed25519"]
SEALS = [("enc-p256", []), ("enc-x25519", []), ("enc-x25519", ["--hmac-sha", "512"]),
         ("enc-rsa2048", []), ("kek", [])]


@pytest.mark.parametrize("signer", SIGNERS)
def test_any_signature_goes_with_any_encryption(tmp_path, signer):
    """imgtool ties RSA to RSA, P-256 to P-256, X25519 to Ed25519; P-384 it cannot."""
    for (seal, more), bits in itertools.product(SEALS, ("128", "256")):
        if seal == "kek":
            name = f"kek-{bits}"
            to = back = key_file(name)
            opener = bytes.fromhex(MANIFEST["keys"][name]["hex"])
        else:
            to, back, opener = key(seal, public=True), key(seal), private(seal)
        out = tmp_path / "out.bin"
        plain = random.randbytes(random.choice([1, 15, 16, 17, 3001]))
        (tmp_path / "in.bin").write_bytes(plain)
        done("sign", "--key", key(signer), *PLAIN, "--encrypt-key", to, "--encrypt-keylen", bits,
             *more, "--security-counter", "9", "-o", out, tmp_path / "in.bin")
        picture = check(out.read_bytes(), signer, plain, opener)
        assert picture.protected == [(0x50, struct.pack("<I", 9))]
        done("verify", "--key", key(signer, True), "--decrypt-key", back, out)
        refused("HM-3208", "verify", "--key", key(signer, True), out)
        done("decrypt", "--key", key(signer, True), "--decrypt-key", back, "--payload",
             "-o", tmp_path / "plain.bin", out)
        assert (tmp_path / "plain.bin").read_bytes()[:len(plain)] == plain


def test_two_images_never_share_a_payload_key(tmp_path):
    found = set()
    for _ in range(4):
        done("sign", "--key", key("sig-ed25519"), *PLAIN, "--encrypt-key",
             key("enc-x25519", public=True), "-o", tmp_path / "o", "payloads/p16.bin")
        found.add(open_key(Image((tmp_path / "o").read_bytes()), private("enc-x25519")))
    assert len(found) == 4


def test_openssl_agrees(tmp_path):
    out = tmp_path / "o.bin"
    done("sign", "--key", key("sig-ed25519"), *PLAIN, "-o", out, "payloads/p1025.bin")
    picture = Image(out.read_bytes())
    (tmp_path / "digest").write_bytes(picture.one(0x10))
    (tmp_path / "sig").write_bytes(picture.one(0x24))
    (tmp_path / "body").write_bytes(out.read_bytes()[:picture.signed_end])

    def openssl(*words):
        return subprocess.run(["openssl", *map(str, words)], capture_output=True, check=True,
                              cwd=tmp_path).stdout
    assert openssl("dgst", "-sha256", "-binary", "body") == picture.one(0x10)
    openssl("pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key("sig-ed25519", True),
            "-sigfile", "sig", "-in", "digest")
    der = openssl("pkey", "-pubin", "-in", key("sig-ed25519", True), "-outform", "DER")
    assert hashlib.sha256(der).digest() == picture.one(1)


# --- what imgtool does wrong or cannot, one by one ---------------------------------

def test_an_encrypted_image_verifies():
    row = ROWS["p256-ecies-aes256"]
    done("verify", *verify_words(row), row["file"])


def test_a_wrong_signature_from_outside_is_not_written(tmp_path):
    out, request = tmp_path / "out.bin", tmp_path / "request.json"
    words = ["--key", key("sig-p256", True), "--header-size", "0x200", "--pad-header",
             "--slot-size", "0x10000", "--align", "8", "--image-version", "3.0.0"]
    done("request", *words, "-o", request, "payloads/p1025.bin")
    good = VECTORS / "external/p256-len72.b64"
    done("assemble", *words, "--request", request, "--response", good, "-o", out,
         "payloads/p1025.bin")
    assert out.read_bytes() == (VECTORS / "p256-external-len72.bin").read_bytes()
    bad = bytearray(base64.b64decode(good.read_text()))
    bad[-1] ^= 1
    (tmp_path / "bad.b64").write_bytes(base64.b64encode(bad))
    run = image("assemble", *words, "--request", request, "--response", tmp_path / "bad.b64",
                "-o", tmp_path / "never.bin", "payloads/p1025.bin")
    assert run.returncode != 0 and not (tmp_path / "never.bin").exists()


def test_confirm_without_effect_is_an_error(tmp_path):
    said = refused("HM-1001", "sign", "--key", key("sig-p256"), *PLAIN, "--slot-size", "0x2000",
                   "--overwrite-only", "--confirm", "payloads/p16.bin",
                   output=tmp_path / "o.bin")
    assert "image_ok" in said


@pytest.mark.parametrize("bits, trailer", [("128", 16 * 24 + 4 * 8 + 16 + 2 * 16),
                                           ("256", 16 * 24 + 4 * 8 + 16 + 2 * 32)])
def test_the_trailer_counts_as_the_boot_code_does(tmp_path, bits, trailer):
    """imgtool counts 16 bytes for a key of AES-256: 32 too few for both."""
    out = tmp_path / "o.bin"
    words = ["--key", key("sig-ed25519"), *PLAIN, "--encrypt-key", key("enc-x25519", True),
             "--encrypt-keylen", bits, "--max-sectors", "16", "--align", "8", "--pad"]
    done("sign", *words, "--slot-size", 65536, "-o", out, "payloads/p704.bin")
    end = Image(out.read_bytes()).end
    done("sign", *words, "--slot-size", end + trailer, "-o", out, "payloads/p704.bin")
    said = refused("HM-3214", "sign", *words, "--slot-size", end + trailer - 1,
                   "payloads/p704.bin", output=out)
    assert f"a trailer of {trailer}" in said


def test_several_signatures_and_an_appended_one(tmp_path):
    one, two, both = (tmp_path / n for n in ("one.bin", "two.bin", "both.bin"))
    plain = (VECTORS / "payloads/p333.bin").read_bytes()
    done("sign", "--key", key("sig-rsa2048"), *PLAIN, "-o", one, "payloads/p333.bin")
    append = ["--append", "--old-key", key("sig-rsa2048", True)]
    done("sign", "--key", key("sig-rsa2048-other"), *append, "-o", two, one)
    done("sign", "--key", key("sig-rsa2048"), "--key", key("sig-rsa2048-other"), *PLAIN,
         "-o", both, "payloads/p333.bin")
    trust = ["--key", key("sig-rsa2048", True), "--key", key("sig-rsa2048-other", True)]
    for path in (two, both):
        check(path.read_bytes(), "sig-rsa2048", plain)
        check(path.read_bytes(), "sig-rsa2048-other", plain)
        done("verify", *trust, path)
        refused("HM-3207", "verify", *trust[:2], path)
    out = tmp_path / "o.bin"
    refused("HM-3210", "sign", "--key", key("sig-rsa2048"), *append, one, output=out)
    refused("HM-3211", "sign", "--key", key("sig-p256"), *append, one, output=out)
    refused("HM-3207", "sign", "--key", key("sig-rsa2048-other"), "--append", "--old-key",
            key("sig-rsa2048-other", True), one, output=out)
    refused("HM-3210", "sign", "--key", key("sig-rsa2048"), *PLAIN, one, output=out)
    refused("HM-3211", "sign", "--key", key("sig-p256"), "--key", key("sig-ed25519"), *PLAIN,
            "payloads/p333.bin", output=out)
    # the old signature is looked at before anything is added
    broken = bytearray(one.read_bytes())
    broken[-1] ^= 1
    (tmp_path / "broken.bin").write_bytes(broken)
    refused("HM-3206", "sign", "--key", key("sig-rsa2048-other"), *append,
            tmp_path / "broken.bin", output=out)


def test_what_is_no_payload_is_refused(tmp_path):
    out, empty = tmp_path / "o.bin", tmp_path / "empty"
    empty.write_bytes(b"")
    sign = ["--key", key("sig-p256")]
    refused("HM-3209", "sign", *sign, *PLAIN, empty, output=out)
    refused("HM-3204", "sign", *sign, "--header-size", "0x200", "--image-version", "1",
            "payloads/p1025.bin", output=out)
    zeros = tmp_path / "zeros"
    zeros.write_bytes(bytes(64) + b"code")
    done("sign", *sign, "--header-size", "64", "--image-version", "1", "-o", out, zeros)
    picture = check(out.read_bytes(), "sig-p256", b"code")
    assert picture.header == 64 and picture.data[32:64] == bytes(32)
    refused("HM-3209", "sign", *sign, "--header-size", "68", "--image-version", "1", zeros,
            output=out)
    for words in (["--header-size", "31"], ["--header-size", "65536"], ["--image-version", "1.2.3.4"],
                  ["--custom-tlv", "0x50=0x01"], ["--custom-tlv", "0xa0=0x0"],
                  ["--load-addr", "1", "--rom-fixed", "1"], ["--confirm"], ["--clear"],
                  ["--boot-record", "longer than twelve"], ["--cid", "x"],
                  ["--dependencies", "1,2"], ["--align", "16", "--max-align", "8"],
                  ["--hmac-sha", "512", "--encrypt-key", key("enc-p256", True)], ["--pure"]):
        run = image("sign", *sign, *PLAIN, *words, "-o", tmp_path / "never", zeros)
        assert run.returncode in (2, 4), (words, run.stderr)
        assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("size, words", [(250_000, []), (300_001, []), (17 << 20, []),
                                         (300_001, ["--encrypt-key", "enc-p256"])])
def test_ed25519_over_the_image_itself_takes_any_length(tmp_path, size, words):
    out, payload, signed = (tmp_path / n for n in ("o.bin", "payload", "sig-ed25519"))
    payload.write_bytes(random.Random(size).randbytes(size))
    words = [key(w, True) if w.startswith("enc") else w for w in words]
    opener = ["--decrypt-key", key("enc-p256")] if words else []
    done("sign", "--key", key(signed.name), *PLAIN, "--pure", *words, "-o", out, payload)
    check(out.read_bytes(), signed.name, payload.read_bytes(), private("enc-p256") if words else None)
    trust = ["--key", key(signed.name, True), *opener]
    done("verify", *trust, out)
    with open(out, "r+b") as file:
        file.seek(size // 2)
        file.write(b"?!")
    refused("HM-3205", "verify", *trust, out)


def test_a_counter_below_the_devices_is_refused():
    row = ROWS["p256-counter"]  # 5
    for counter, status in (("4", 0), ("5", 0), ("6", 4)):
        run = image("verify", *verify_words(row), "--security-counter", counter, row["file"])
        assert run.returncode == status
    assert "below 6" in run.stderr.decode()
    refused("HM-3111", "verify", *verify_words(ROWS["p256"]), "--security-counter", "1",
            "p256.bin")


# --- from development to production, from factory to device --------------------------

def test_a_development_image_becomes_one_of_production(tmp_path):
    dev, prod, sealed, device = (tmp_path / n for n in ("dev", "prod", "sealed", "device"))
    plain = (VECTORS / "payloads/p1025.bin").read_bytes()
    done("sign", "--key", key("sig-p256"), *PLAIN, "--security-counter", "auto",
         "--boot-record", "CoFM", "--encrypt-key", key("enc-p256", True), "--clear",
         "-o", dev, "payloads/p1025.bin")
    assert plain in dev.read_bytes()
    resign = ["--key", key("sig-rsa3072"), "--old-key", key("sig-p256", True)]
    done("resign", *resign, "-o", prod, dev)
    old, new = Image(dev.read_bytes()), check(prod.read_bytes(), "sig-rsa3072", plain)
    assert old.payload() == new.payload() and old.version == new.version
    signer = hashlib.sha256(private("sig-rsa3072").public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.PKCS1)).digest()
    assert signer in dict(new.protected)[0x60] and len(new.protected) == len(old.protected)
    trust = ["--key", key("sig-rsa3072", True)]
    done("encrypt", *trust, "--encrypt-key", key("enc-p256-other", True), "-o", sealed, prod)
    assert plain not in sealed.read_bytes()
    check(sealed.read_bytes(), "sig-rsa3072", plain, private("enc-p256-other"))
    done("convert", *trust, "--decrypt-key", key("enc-p256-other"), "--encrypt-key",
         key("enc-x25519", True), "-o", device, sealed)
    check(device.read_bytes(), "sig-rsa3072", plain, private("enc-x25519"))
    a, b = Image(sealed.read_bytes()), Image(device.read_bytes())
    assert a.data[:a.signed_end] == b.data[:b.signed_end]
    done("decrypt", *trust, "--decrypt-key", key("enc-x25519"), "-o", tmp_path / "clear", device)
    check((tmp_path / "clear").read_bytes(), "sig-rsa3072", plain)
    out = tmp_path / "o"
    refused("HM-3207", "resign", "--key", key("sig-rsa3072"), "--old-key",
            key("sig-p256-other", True), dev, output=out)
    refused("HM-3208", "resign", *resign[:2], "--old-key", key("sig-rsa3072", True), sealed,
            output=out)
    refused("HM-3204", "encrypt", *trust, "--encrypt-key", key("enc-p256", True),
            "--hmac-sha", "256", VECTORS / "rsa3072.bin", output=out)


@pytest.mark.parametrize("words,whole", [((), True), (("--public-key-format", "hash"), False)])
def test_a_whole_key_stays_whole_when_it_is_signed_again(tmp_path, words, whole):
    """A boot loader that trusts hashes in fuses finds the key in the image, or nowhere."""
    dev, prod = tmp_path / "dev", tmp_path / "prod"
    done("sign", "--key", key("sig-p256"), *PLAIN, "--public-key-format", "full", "-o", dev,
         "payloads/p1025.bin")
    done("resign", "--key", key("sig-p256-other"), "--old-key", key("sig-p256", True), *words,
         "-o", prod, dev)
    der = private("sig-p256-other").public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert (der in prod.read_bytes()) == whole
    assert (hashlib.sha256(der).digest() in prod.read_bytes()) != whole


def test_a_padded_image_keeps_its_trailer(tmp_path):
    out = tmp_path / "o.bin"
    done("sign", "--append", "--old-key", key("sig-p256", True), "--key", key("sig-p256-other"),
         "-o", out, "p256-confirm.bin")
    before, after = (VECTORS / "p256-confirm.bin").read_bytes(), out.read_bytes()
    assert len(before) == len(after) == 8192 and before[-64:] == after[-64:]
    done("verify", "--key", key("sig-p256", True), "--key", key("sig-p256-other", True),
         "--slot-size", "8192", out)


# --- keys in a token -----------------------------------------------------------------

def test_a_token_signs_with_every_kind_of_key(tmp_path):
    """imgtool has no way to a token."""
    (tmp_path / "tokens").mkdir()
    (tmp_path / "conf").write_text(f"directories.tokendir = {tmp_path}/tokens\n"
                                   "objectstore.backend = file\nlog.level = ERROR\n")
    for name in ("pin", "so-pin"):
        (tmp_path / name).write_text("pin-of-mcuboot")
        (tmp_path / name).chmod(0o600)
    env = dict(LOSES, SOFTHSM2_CONF=str(tmp_path / "conf"))

    def hsm(*words):
        subprocess.run([HALLMARK, "hsm", *words, "--module", MODULE, "--pin", "file:pin"],
                       env=dict(os.environ, **env), cwd=tmp_path, check=True, capture_output=True)
    hsm("init", "images", "--so-pin", "file:so-pin")
    plain = (VECTORS / "payloads/p333.bin").read_bytes()
    for kind in ("p256", "p384", "rsa2048", "rsa3072", "ed25519"):
        hsm("generate", "pkcs11:token=images", "--label", kind, "--type", kind,
            "--public", f"{kind}.pub")
        words = ["--key", f"pkcs11:token=images;object={kind}", "--channel", "prod", *PLAIN,
                 "--module", MODULE, "--pin", "file:pin", "-o", "out.bin",
                 VECTORS / "payloads/p333.bin"]
        done("sign", *words, env=env, cwd=tmp_path)
        public = serialization.load_pem_public_key((tmp_path / f"{kind}.pub").read_bytes())
        check((tmp_path / "out.bin").read_bytes(), public, plain)
        done("verify", "--key", f"{kind}.pub", "out.bin", cwd=tmp_path)
    refused("HM-3213", "sign", "--key", key("sig-p256"), "--channel", "prod", *PLAIN,
            "payloads/p333.bin", output=tmp_path / "never.bin")


# --- Intel HEX ------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["p256-hex", "p256-hex-confirm"])
def test_hex_and_binary_are_the_same_image(tmp_path, name):
    row = ROWS[name]
    plain, again = tmp_path / "p.bin", tmp_path / "again.hex"
    done("convert", "-o", plain, row["file"])
    at = row["hex_segments"][0]["address"]
    done("verify", "--key", key("sig-p256", True), plain)
    done("convert", "--hex-addr", at, "-o", again, plain)
    assert again.read_bytes() == (VECTORS / row["file"]).read_bytes()
    # recognised without its name, and all bytes of its slot are named
    run = subprocess.run([HALLMARK, "image", "inspect", "--json", row["file"]], capture_output=True, check=True,
                         cwd=VECTORS)
    said = json.loads(run.stdout)
    assert said["format"] == "mcuboot" and said["form"] == "good"
    assert max(p["offset"] + p["size"] for p in said["parts"]) == plain.stat().st_size
    (tmp_path / "code.hex").write_bytes(to_hex(b"code" * 20, 0x1000))
    run = subprocess.run([HALLMARK, "image", "inspect", tmp_path / "code.hex"], capture_output=True, check=False)
    assert run.returncode == 4 and b"no image of MCUboot" in run.stderr and run.stdout == b""
    data = plain.read_bytes()
    for segment in row["hex_segments"]:
        start = int(segment["address"], 16) - int(at, 16)
        part = data[start:start + segment["size"]]
        assert hashlib.sha256(part).hexdigest() == segment["sha256"]


@pytest.mark.parametrize("align, erased", [(8, "0xff"), (8, "0"), (32, "0"), (16, "0xff")])
def test_a_confirmed_slot_in_hex_has_flash_of_either_kind(tmp_path, align, erased):
    out, plain, again = (tmp_path / n for n in ("o.hex", "o.bin", "again.hex"))
    words = [*PLAIN, "--slot-size", "0x4000", "--confirm", "--align", str(align), "--erased-val", erased]
    trust = ["--key", key("sig-ed25519", True), "--slot-size", "0x4000"]
    done("sign", "--key", key("sig-ed25519"), *words, "--hex-addr", "0x8000", "-o", out, "payloads/p333.bin")
    done("verify", *trust, out)
    done("convert", "--erased-val", erased, "-o", plain, out)
    done("verify", *trust, plain)
    done("sign", "--key", key("sig-ed25519"), *words, "-o", tmp_path / "direct.bin", "payloads/p333.bin")
    assert plain.read_bytes() == (tmp_path / "direct.bin").read_bytes()
    done("convert", "--hex-addr", "0x8000", *(["--erased-val", erased]), "-o", again, plain)
    done("verify", *trust, again)
    done("resign", "--old-key", key("sig-ed25519", True), "--key", key("sig-ed25519"), "-o", again, out)
    done("verify", *trust, again)


def to_hex(data, at):
    lines = []
    for offset in range(0, len(data), 32):
        address = at + offset
        if offset == 0 or address & 0xFFFF < 32:
            lines.append(bytes([2, 0, 0, 4]) + (address >> 16).to_bytes(2, "big"))
        part = data[offset:offset + 32]
        lines.append(bytes([len(part)]) + (address & 0xFFFF).to_bytes(2, "big") + b"\0" + part)
    lines.append(bytes([0, 0, 0, 1]))
    return "".join(f":{(r + bytes([-sum(r) & 255])).hex()}\r\n" for r in lines).encode()


def test_a_payload_in_hex(tmp_path):
    plain = random.randbytes(70001)
    source, out = tmp_path / "app.hex", tmp_path / "out.hex"
    source.write_bytes(to_hex(plain, 0x0800FE00))
    done("sign", "--key", key("sig-ed25519"), *PLAIN, "-o", out, source)
    found = from_hex(out.read_bytes())
    assert min(found) == 0x0800FC00
    check(bytes(found[at] for at in sorted(found)), "sig-ed25519", plain)
    done("verify", "--key", key("sig-ed25519", True), out)
    bad = tmp_path / "bad.hex"
    good = source.read_bytes()
    for error, text in (("HM-3205", good.replace(b":20fe00", b":20fe01", 1)),
                        ("HM-3202", good[:good.rindex(b":")]), ("HM-3203", good + good[:17]),
                        ("HM-3201", good.replace(b"\r\n", b"\r\nx", 1)),
                        ("HM-3204", good[:good.rindex(b":")] + good)):
        bad.write_bytes(text)
        said = refused(error, "sign", "--key", key("sig-ed25519"), *PLAIN, bad,
                       output=tmp_path / "o.bin")
        assert "line " in said or "two records" in said


# --- size and memory ----------------------------------------------------------------

def peak(*words):
    """KiB that the command had at most."""
    pid = os.posix_spawn(HALLMARK, [HALLMARK, "image", *map(str, words)], os.environ)
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    return usage.ru_maxrss


def test_memory_does_not_grow_with_the_image(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"x" * 100000)
    large.write_bytes(random.randbytes(1 << 20) * 12)
    sign = ["sign", "--format", "mcuboot", "--key", key("sig-p256"), *PLAIN, "--encrypt-key",
            key("enc-p256", True), "--quiet"]
    judge = ["verify", "--quiet", "--format", "mcuboot", "--key", key("sig-p256", True),
             "--decrypt-key", key("enc-p256")]
    for more in ([], ["--hex-addr", "0"]):
        costs = []
        for source in (small, large):
            out = tmp_path / (source.name + ".out")
            costs.append((peak(*sign, *more, "-o", out, source), peak(*judge, out)))
        assert costs[1][0] < costs[0][0] + 2048 and costs[1][1] < costs[0][1] + 2048, costs


@pytest.mark.parametrize("size", [1, 2, 31, 4097, 65535, 65536, 65537, (1 << 20) + 1, 64 << 20])
def test_payloads_of_any_size(tmp_path, size):
    plain = random.randbytes(min(size, 1 << 20)) * max(1, size >> 20)
    plain = (plain + b"xyz")[:size]
    done("sign", "--key", key("sig-p384"), *PLAIN, "--encrypt-key", key("enc-x25519", True),
         "-o", tmp_path / "o", "-", stdin=plain)
    piped = done("decrypt", "--key", key("sig-p384", True), "--decrypt-key", key("enc-x25519"),
                 "--payload", "-o", "-", tmp_path / "o").stdout
    assert piped[:size] == plain and not any(piped[size:]) and len(piped) % 16 == 0
