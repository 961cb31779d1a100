# SPDX-License-Identifier: Apache-2.0
"""ESP32 images: every vector through the command, OpenSSL and cryptography beside it."""

import hashlib
import json
import os
import pathlib
import struct
import subprocess
import zlib

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from test_image import Bench

ROOT = pathlib.Path(__file__).parents[2]
VECTORS = ROOT / "tests/vectors/images"
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
SECTOR = 4096
BLOCK = 1216

FORMAT, SHORT, TRAILING, FIELD, HASH, SIGNATURE, UNTRUSTED = (
    f"HM-{n}" for n in range(3201, 3208))
MIXED, PLACE = "HM-3211", "HM-3214"

# What the verifier must answer for the manifest's reason.
ERROR_OF = {
    "image magic": FORMAT, "image hash": HASH, "checksum": HASH,
    "more than 16 segments": FIELD, "no segments": FIELD,
    "file ends before the hash": SHORT, "bytes after the image": TRAILING,
    "application description magic": FIELD,
    "no trusted key": UNTRUSTED, "no signature block": UNTRUSTED,
    "digest in the block": HASH, "block CRC": HASH, "block magic": FIELD,
    "bytes after the CRC not zero": FIELD, "signature": SIGNATURE,
    "signature not byte-reversed": SIGNATURE, "r and s exchanged": SIGNATURE,
    "r and s big-endian": SIGNATURE, "r = 0": SIGNATURE, "curve id": FIELD,
    "R or M' do not fit the modulus": FIELD, "reserved byte": FIELD,
    "reserved area not zero": FIELD, "modulus": FIELD,
    "point not on the curve": FIELD, "P-192 packing": FIELD,
    "bytes after point or signature not zero": FIELD,
    "file length does not fit the image: signature sector is not where the boot code looks":
        TRAILING,
    "same key twice": MIXED, "schemes mixed": MIXED,
    "rest of the sector not erased": TRAILING,
    "MD5": HASH, "entry magic": FIELD, "partitions overlap": PLACE,
    "app partition not at a multiple of 0x10000, or partitions overlap": PLACE,
    "no end mark": SHORT, "same name twice, overlap": FIELD, "unknown flag bit": FIELD,
    "beyond the flash": PLACE,
}
# Reasons whose cause our verifier names more closely.
ERROR_OF_ID = {
    "esp32s3.cut-20": SHORT, "esp32s3.seglen-odd": FIELD, "esp32s3.seglen-huge": FIELD,
    "rsa-1.set-e": FIELD,
    "rsa-1.cut-1": SHORT, "ecdsa256.cut-1": SHORT, "rsa-1.cut-sector": SHORT,
    "ecdsa256.cut-sector": SHORT, "rsa-1.append-1": TRAILING,
    "ecdsa256.append-1": TRAILING, "data-skip-padding": SHORT,
    "rsa-1.bad-seglen": None, "ecdsa256.bad-seglen": None,
    "app.flip-body": HASH, "app.flip-signature": SIGNATURE, "app.version-1": FIELD,
    "app.cut-1": SHORT, "app.append": TRAILING, "app.wrongkey": SIGNATURE,
}


def hallmark(*args, code=0, data=None):
    done = subprocess.run([BUILD / "src/cmd/hallmark", *map(str, args)], input=data,
                          capture_output=True, timeout=60)
    assert done.returncode == code, done.stderr.decode() + done.stdout.decode()[-2000:]
    return done


def manifest(folder):
    return json.loads((VECTORS / folder / "manifest.json").read_text())


def rows(folder):
    return [pytest.param(row, id=row["id"]) for row in manifest(folder)["vectors"]]


def judge(folder, row, *args):
    """The verdict of the command, and all that the manifest says about it."""
    good = row["expect"] == "accept"
    said = json.loads(hallmark("image", "verify", "--json", "--format", folder, *args,
                               VECTORS / folder / row["file"],
                               code=0 if good else 4).stdout)
    assert said["verdict"] == row["expect"]
    if "bootloader" in row:
        assert said["boot_loader"] == row["bootloader"]
    if good:
        return said
    error = ERROR_OF_ID.get(row["id"], ERROR_OF.get(row.get("why")))
    assert error or row["id"].endswith("bad-seglen"), row.get("why")
    if error:
        assert said["error"] == error
    assert said["faults"][0]["offset"] <= row["size"]
    return said


def key_options(folder, names):
    keys = manifest(folder)["keys"]
    return [word for name in names for word in ("--key", VECTORS / folder / keys[name]["file"])]


@pytest.mark.parametrize("row", rows("esp-app-image"))
def test_an_application_image_is_judged(row):
    said = judge("esp-app-image", row, "--chip", row["chip"])
    if row["expect"] == "accept":
        parts = {(p["name"], p["offset"], p["size"]) for p in said["parts"]}
        for segment in row["image"]["segments"]:
            assert ("segment data", segment["offset"], segment["len"]) in parts
        assert ("checksum", row["image"]["checksum_offset"], 1) in parts


@pytest.mark.parametrize("row", rows("esp-secure-boot-v2"))
def test_a_sector_of_signatures_is_judged(row):
    folder = "esp-secure-boot-v2"
    said = judge(folder, row, "--content", row["content"], *key_options(folder, row["trusted"]))
    if row["expect"] == "accept":
        digests = [p["value"] for p in said["parts"] if p["name"] == "key digest"]
        assert digests == [block["key_digest"] for block in row["blocks"]]


@pytest.mark.parametrize("row", rows("esp-secure-boot-v1"))
def test_secure_boot_v1_is_judged(row):
    folder = "esp-secure-boot-v1"
    if "key" in row:
        judge(folder, row, *key_options(folder, [row["key"]]))
    else:
        judge(folder, row, "--boot-key", VECTORS / folder / "keys/key.bin")


@pytest.mark.parametrize("row", rows("esp-partition-table"))
def test_a_partition_table_is_judged(row):
    judge("esp-partition-table", row, "--flash-size", "4M")


@pytest.mark.parametrize("name", ["ota", "secure", "tiny"])
def test_a_table_goes_from_csv_to_binary_and_back(tmp_path, name):
    folder = VECTORS / "esp-partition-table"
    made, again, csv = (tmp_path / n for n in ("a.bin", "b.bin", "c.csv"))
    convert = ("image", "convert", "--format", "esp-partition-table", "-o")
    hallmark(*convert, made, folder / f"{name}.csv")
    assert made.read_bytes() == (folder / f"{name}.bin").read_bytes()
    hallmark(*convert, csv, made)
    hallmark(*convert, again, csv)
    assert again.read_bytes() == made.read_bytes()


# ---- what is signed ----

def body_and_blocks(path):
    data = path.read_bytes()
    sector = data[-SECTOR:]
    return data[:-SECTOR], [sector[i * BLOCK:(i + 1) * BLOCK] for i in range(3)]


def check_by_cryptography(body, block, key):
    """Another implementation reads the block: numbers, CRC, signature."""
    assert struct.unpack("<I", block[1196:1200])[0] == zlib.crc32(block[:1196])
    if block[1] == 2:
        n = key.public_numbers().n
        assert int.from_bytes(block[36:420], "little") == n
        assert int.from_bytes(block[424:808], "little") == pow(2, 6144, n)
        assert struct.unpack("<I", block[808:812])[0] == -pow(n, -1, 2**32) % 2**32
        key.verify(block[812:1196][::-1], body,
                   padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        return hashlib.sha256(block[36:812]).hexdigest()
    size = key.curve.key_size // 8
    at = 53 if size == 48 else 37
    sig = 149 if size == 48 else 101
    number = lambda a: int.from_bytes(block[a:a + size], "little")
    assert (number(at), number(at + size)) == (key.public_numbers().x, key.public_numbers().y)
    der = utils.encode_dss_signature(number(sig), number(sig + size))
    key.verify(der, body, ec.ECDSA(hashes.SHA384() if size == 48 else hashes.SHA256()))
    end = 149 if size == 48 else 101
    return hashlib.sha256(block[at - 1:end]).hexdigest()


@pytest.mark.parametrize("names, payload, chip", [
    (["rsa3072"], "c3-small", None),
    (["rsa3072", "rsa3072-b", "rsa3072-c"], "c6-mid", None),
    (["ecdsa192"], "c2-small", None),
    (["ecdsa256", "ecdsa256-b"], "h2-nohash", None),
    (["ecdsa256-shortx"], "c2-small", "esp32c2"),
    (["ecdsa384"], "p4-small", "esp32p4"),
    (["ecdsa256"], "c3-small", "any"),
])
def test_what_is_signed_another_implementation_accepts(tmp_path, names, payload, chip):
    folder = "esp-secure-boot-v2"
    keys = manifest(folder)["keys"]
    image = VECTORS / folder / f"payloads/{payload}.bin"
    out = tmp_path / "signed.bin"
    hallmark("image", "sign", "--format", folder, "-o", out, *key_options(folder, names),
             *(["--chip", chip] if chip else []), image)
    body, blocks = body_and_blocks(out)
    assert body[:image.stat().st_size] == image.read_bytes()
    assert set(body[image.stat().st_size:]) <= {0xFF}
    for name, block in zip(names, blocks):
        pem = (VECTORS / folder / keys[name]["file"]).read_bytes()
        public = serialization.load_pem_private_key(pem, None).public_key()
        assert check_by_cryptography(body, block, public) == keys[name]["efuse_digest"]
    for block in blocks[len(names):]:
        assert set(block) == {0xFF}


@pytest.fixture(scope="module")
def token(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("token"))


@pytest.mark.parametrize("kind", ["rsa3072", "p256", "p384"])
def test_a_token_signs_and_the_key_stays_in_it(token, kind):
    app = VECTORS / "esp-secure-boot-v2/payloads/p4-small.bin"
    token.ok("image", "sign", "--format", "esp-secure-boot-v2", "--channel", "prod", "--key",
             f"pkcs11:token=images;object={kind}", *token.token(), "-o", "signed.bin", str(app))
    public = serialization.load_pem_public_key(token.read(f"{kind}.token.pub"))
    body, (block, *_) = body_and_blocks(token.folder / "signed.bin")
    assert body[:app.stat().st_size] == app.read_bytes()
    digest = check_by_cryptography(body, block, public)
    token.ok("image", "verify", "--format", "esp-secure-boot-v2", "--chip", "esp32p4",
             "--key-digest", digest, "signed.bin")


def test_openssl_verifies_rsa_and_the_digest_is_what_is_burned(tmp_path):
    folder = VECTORS / "esp-secure-boot-v2"
    out, digest = tmp_path / "signed.bin", tmp_path / "digest.bin"
    hallmark("image", "sign", "--format", "esp-secure-boot-v2", "--key",
             folder / "keys/rsa3072.pem", "-o", out, folder / "payloads/c3-small.bin")
    body, (block, *_) = body_and_blocks(out)
    (tmp_path / "body").write_bytes(body)
    (tmp_path / "sig").write_bytes(block[812:1196][::-1])
    subprocess.run(["openssl", "dgst", "-sha256", "-verify", folder / "keys/rsa3072.pub.pem",
                    "-signature", tmp_path / "sig", "-sigopt", "rsa_padding_mode:pss",
                    "-sigopt", "rsa_pss_saltlen:32", "-sigopt", "rsa_mgf1_md:sha256",
                    tmp_path / "body"], check=True, stdout=subprocess.DEVNULL)
    hallmark("image", "convert", "--format", "esp-secure-boot-v2", "-o", digest,
             folder / "keys/rsa3072.pub.pem")
    assert digest.read_bytes() == hashlib.sha256(block[36:812]).digest()
    hallmark("image", "verify", "--format", "esp-secure-boot-v2", "--key-digest",
             digest.read_bytes().hex(), out)
    hallmark("image", "verify", "--format", "esp-secure-boot-v2", "--key-digest",
             digest.read_bytes().hex(), "--revoked", digest.read_bytes().hex(), out, code=4)


def test_appends_resigns_and_refuses(tmp_path):
    folder = VECTORS / "esp-secure-boot-v2"
    sign = ("image", "sign", "--format", "esp-secure-boot-v2", "-o")
    resign = ("image", "resign", "--format", "esp-secure-boot-v2", "-o")
    one, two, new = (tmp_path / n for n in ("1.bin", "2.bin", "3.bin"))
    keys = {n: folder / f"keys/{n}.pem" for n in ("rsa3072", "rsa3072-b", "rsa3072-c", "ecdsa256")}
    hallmark(*sign, one, "--key", keys["rsa3072"], folder / "payloads/c3-small.bin")
    hallmark(*sign, two, "--key", keys["rsa3072-b"], "--append", one)
    assert two.read_bytes()[:SECTOR + BLOCK] == one.read_bytes()[:SECTOR + BLOCK]
    refused = [
        (("--key", keys["rsa3072-b"]), one, "3210"),              # signed already
        (("--key", keys["rsa3072"], "--append"), one, "3211"),    # the same key
        (("--key", keys["ecdsa256"], "--append"), one, "3211"),   # mixed schemes
        (("--key", keys["rsa3072-b"], "--append"),
         folder / "bad/rsa-1.flip-body-padding.bin", "3205"),     # altered before
        (("--key", keys["rsa3072"]), "/dev/null", "3209"),        # empty
        (("--key", keys["ecdsa256"]), folder / "payloads/c3-small.bin", "3204"),
        (("--key", keys["rsa3072"], "--partition-size", "4K"),
         folder / "payloads/c3-small.bin", "3214"),
        (("--key", keys["rsa3072"], "--secure-version-min", "4"),
         folder / "payloads/c3-small.bin", "3204"),
        (("--key", keys["rsa3072"]), folder / "bad/rsa-1.sector-late.bin", "3203"),
        (("--key", keys["rsa3072"], "--channel", "prod"),
         folder / "payloads/c3-small.bin", "3213"),               # a file, not a token
    ]
    for options, image, error in refused:
        done = subprocess.run([BUILD / "src/cmd/hallmark", *sign, new, *options, image],
                              capture_output=True, text=True, timeout=60)
        assert f"HM-{error}" in done.stderr, (options, done.stderr)
        assert done.returncode != 0 and not new.exists()
    hallmark(*resign, new, "--key", keys["rsa3072-c"], "--old-key", keys["ecdsa256"], two, code=4)
    hallmark(*resign, new, "--key", keys["rsa3072-c"], "--old-key", keys["rsa3072-b"], two)
    verify = ("image", "verify", "--format", "esp-secure-boot-v2")
    hallmark(*verify, "--key", keys["rsa3072-c"], new)
    hallmark(*verify, "--key", keys["rsa3072"], new, code=4)
    assert new.read_bytes()[:SECTOR] == one.read_bytes()[:SECTOR]


@pytest.mark.parametrize("name", ["ecdsa192", "ecdsa256", "ecdsa384"])
@pytest.mark.parametrize("short", ["r", "s"])
def test_a_signature_from_outside_gives_the_vector(tmp_path, name, short):
    folder = VECTORS / "esp-secure-boot-v2"
    row = next(r for r in manifest("esp-secure-boot-v2")["vectors"]
               if r["id"] == f"{name}-short-{short}")
    image = folder / row["payload"]
    options = ("--format", "esp-secure-boot-v2", "--chip", "any",
               "--key", folder / f"keys/{name}.pub.pem")
    request, out = tmp_path / "request", tmp_path / "out.bin"
    hallmark("image", "request", *options, "-o", request, image)
    hallmark("image", "assemble", *options, "--request", request, "--response",
             folder / f"external/{name}-short-{short}.der", "-o", out, image)
    assert out.read_bytes() == (folder / row["file"]).read_bytes()
    (tmp_path / "wrong").write_bytes(
        (folder / f"external/{name}-short-{'s' if short == 'r' else 'r'}.der").read_bytes()[:-1])
    assert subprocess.run([BUILD / "src/cmd/hallmark", "image", "assemble", *options, "--request",
                           request, "--response", tmp_path / "wrong", "-o", tmp_path / "no", image],
                          capture_output=True, timeout=60).returncode != 0
    assert not (tmp_path / "no").exists()


def test_secure_boot_v1_boot_loader_and_app(tmp_path):
    folder = VECTORS / "esp-secure-boot-v1"
    sign = ("image", "sign", "--format", "esp-secure-boot-v1", "-o")
    out = tmp_path / "out.bin"
    for name in ("boot", "boot2"):
        hallmark(*sign, out, "--boot-key", folder / "keys/key.bin", "--iv",
                 folder / "keys/iv.bin", folder / f"payloads/{name}.bin")
        assert out.read_bytes() == (folder / f"{name}-digested.bin").read_bytes()
    hallmark(*sign, out, "--boot-key", folder / "keys/key.bin", folder / "payloads/boot.bin")
    assert out.read_bytes()[:128] != (folder / "keys/iv.bin").read_bytes()
    hallmark("image", "verify", "--format", "esp-secure-boot-v1", "--boot-key",
             folder / "keys/key.bin", out)
    hallmark(*sign, out, "--key", folder / "keys/app.pem", folder / "payloads/boot.bin")
    body, trailer = out.read_bytes()[:-68], out.read_bytes()[-68:]
    key = serialization.load_pem_private_key((folder / "keys/app.pem").read_bytes(), None)
    key.public_key().verify(
        utils.encode_dss_signature(int.from_bytes(trailer[4:36], "big"),
                                   int.from_bytes(trailer[36:], "big")),
        body, ec.ECDSA(hashes.SHA256()))
    hallmark(*sign, tmp_path / "no", "--key", folder / "keys/app.pem", out, code=10)


def test_an_image_is_padded_to_a_page(tmp_path):
    folder = VECTORS / "esp-app-image/payloads"
    out = tmp_path / "padded.bin"
    hallmark("image", "convert", "--format", "esp-app-image", "--secure-pad", "v2", "--mmu-page",
             "8K", "-o", out, folder / "esp32c6.bin")
    assert out.stat().st_size == 8192
    hallmark("image", "verify", "--format", "esp-app-image", out)


def test_inspect_recognises_each_format():
    for folder, file in (("esp-app-image", "payloads/esp32c6.bin"),
                         ("esp-secure-boot-v2", "rsa-2.bin"),
                         ("esp-secure-boot-v2", "data-rsa.bin"),
                         ("esp-secure-boot-v1", "app-signed.bin"),
                         ("esp-secure-boot-v1", "boot-digested.bin"),
                         ("esp-partition-table", "secure.bin")):
        said = json.loads(hallmark("image", "inspect", "--json", VECTORS / folder / file).stdout)
        assert (said["format"], said["form"]) == (folder, "good") and "verdict" not in said


# ---- flash encryption ----

def flash(verb, row, out, path, *more):
    keys = manifest("esp-flash-encryption")["keys"]
    chip = "esp32" if row["cipher"] == "ESP32 classic" else (
        "esp32c2" if row["key"] == "key-128" else "esp32s3")
    options = ["--flash-crypt-config", row["flash_crypt_config"]] if chip == "esp32" else []
    hallmark("image", verb, "--format", "esp-flash-encryption", "--chip", chip, "--address",
             hex(row["address"]), "--flash-key",
             VECTORS / "esp-flash-encryption" / keys[row["key"]]["file"], "-o", out, *options,
             *more, path)
    return out.read_bytes()


@pytest.mark.parametrize("row", rows("esp-flash-encryption"))
def test_flash_encryption_gives_the_known_answer(tmp_path, row):
    def content(kind):
        if kind in row:
            return bytes.fromhex(row[kind])
        return (VECTORS / "esp-flash-encryption" / row[kind + "_file"]).read_bytes()
    (tmp_path / "plain").write_bytes(content("plaintext"))
    (tmp_path / "cipher").write_bytes(content("ciphertext"))
    assert flash("encrypt", row, tmp_path / "out", tmp_path / "plain") == content("ciphertext")
    assert flash("decrypt", row, tmp_path / "out", tmp_path / "cipher") == content("plaintext")


@pytest.mark.parametrize("row", [pytest.param(r, id=r["id"])
                                 for r in manifest("esp-flash-encryption")["refusals"]])
def test_flash_encryption_refuses(tmp_path, row):
    (tmp_path / "key").write_bytes(bytes(range(row["key_bytes"])))
    (tmp_path / "plain").write_bytes(bytes(row["length"]))
    done = subprocess.run(
        [BUILD / "src/cmd/hallmark", "image", "encrypt", "--format", "esp-flash-encryption",
         "--chip", "esp32" if row["cipher"] == "ESP32 classic" else "esp32s3", "--address",
         hex(row["address"]), "--flash-key", tmp_path / "key", "-o", tmp_path / "out",
         tmp_path / "plain"], capture_output=True, text=True, timeout=60)
    assert done.returncode not in (0, 2), done.stderr
    assert not (tmp_path / "out").exists()


def xts_by_cryptography(key, address, data):
    """Section 1.4 with another XTS."""
    out = b""
    for at in range(0, len(data), 128):
        tweak = struct.pack("<I", address + at) + bytes(12)
        cipher = Cipher(algorithms.AES(key), modes.XTS(tweak)).encryptor()
        out += cipher.update(data[at:at + 128][::-1])[::-1]
    return out


def test_cryptography_encrypts_a_whole_flash_the_same(tmp_path):
    """By the table: what the chip reads encrypted is, the rest passes."""
    table = VECTORS / "esp-partition-table/secure.bin"
    data = bytearray(os.urandom(0x400000))
    key = os.urandom(64)
    (tmp_path / "flash").write_bytes(data)
    (tmp_path / "key").write_bytes(key)
    hallmark("image", "encrypt", "--format", "esp-flash-encryption", "--chip", "esp32s3",
             "--address", "0", "--flash-key", tmp_path / "key", "--table", table, "-o",
             tmp_path / "out", tmp_path / "flash")
    out = (tmp_path / "out").read_bytes()
    for at, size, encrypted in ((0, 0x8000, True), (0x8000, 0x1000, True), (0x9000, 0x6000, False),
                                (0xF000, 0x2000, True), (0x11000, 0x1000, True),
                                (0x12000, 0x2000, True), (0x14000, 0xC000, False),
                                (0x20000, 0x8000, True), (0x1A0000, 0x8000, True),
                                (0x320000, 0xE0000, False)):
        part = bytes(data[at:at + size])
        assert out[at:at + size] == (xts_by_cryptography(key, at, part) if encrypted else part)
    hallmark("image", "decrypt", "--format", "esp-flash-encryption", "--chip", "esp32s3",
             "--address", "0", "--flash-key", tmp_path / "key", "--table", table, "-o",
             tmp_path / "back", tmp_path / "out")
    assert (tmp_path / "back").read_bytes() == bytes(data)


# ---- round trips ----

@pytest.mark.parametrize("size", [1, 15, 4095, 4096, 4097, 1000003, 67108864])
def test_data_of_any_length_goes_round(tmp_path, size):
    folder = VECTORS / "esp-secure-boot-v2"
    data = os.urandom(min(size, 1 << 20)) * (size // (1 << 20) or 1)
    data = data[:size] if size <= 1 << 20 else data
    (tmp_path / "data").write_bytes(data)
    signed = hallmark("image", "sign", "--format", "esp-secure-boot-v2", "--content", "data",
                      "--key", folder / "keys/ecdsa256.pem", "-o", "-", "-", data=data).stdout
    assert signed[:len(data)] == data
    assert len(signed) == (len(data) + 4095) // 4096 * 4096 + 4096
    hallmark("image", "verify", "--format", "esp-secure-boot-v2", "--content", "data", "--key",
             folder / "keys/ecdsa256.pub.pem", "-", data=signed)
    flash_options = ("--format", "esp-flash-encryption", "--chip", "esp32c3", "--address",
                     "0x10000", "--flash-key", VECTORS / "esp-flash-encryption/keys/key-256.bin")
    cipher = hallmark("image", "encrypt", *flash_options, "-o", "-", "-", data=signed).stdout
    assert len(cipher) == len(signed) and cipher != signed
    assert hallmark("image", "decrypt", *flash_options, "-o", "-", "-",
                    data=cipher).stdout == signed


def test_nothing_of_no_bytes_is_signed_or_encrypted(tmp_path):
    folder = VECTORS / "esp-secure-boot-v2"
    for content in ("app", "bootloader", "data"):
        hallmark("image", "sign", "--format", "esp-secure-boot-v2", "--content", content,
                 "--key", folder / "keys/rsa3072.pem", "-o", tmp_path / "no", "-", data=b"",
                 code=10)
    assert not (tmp_path / "no").exists()
