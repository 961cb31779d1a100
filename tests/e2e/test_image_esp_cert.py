# SPDX-License-Identifier: Apache-2.0
"""Partitions esp_secure_cert: every vector; ours byte for byte; the DS data read by Python"""
import hashlib, hmac, json, os, pathlib, struct, subprocess, zlib

import cbor2, pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

import counterpart
from line import HALLMARK

ROOT = pathlib.Path(__file__).parents[2]
VECTORS = ROOT / "tests/vectors/images/esp-secure-cert"
UPSTREAM = ROOT.parent / "shared/vectors/images/esp-secure-cert/upstream"
MANIFEST = json.loads((VECTORS / "manifest.json").read_text())
ERRORS = {"no TLV": "HM-3201", "TLV CRC": ("HM-3205", "HM-3202"), "integrity hash": "HM-3205",
          "reserved bytes": "HM-3204", "TLV beyond the file": "HM-3202",
          "type and subtype twice": "HM-3204", "no integrity TLV": "HM-3204",
          "data after the last TLV": "HM-3203", "TLV after the integrity TLV": "HM-3203",
          "signature": ("HM-3206", "HM-3204"), "signature digest": ("HM-3205", "HM-3204"),
          "no trusted key": "HM-3207", "no signature": "HM-3207"}


def image(*words, **given):
    return subprocess.run([HALLMARK, "image", *map(str, words)], capture_output=True, timeout=60, **given)


def key_file(name):
    return VECTORS / MANIFEST["keys"][name]["file"]


def trust(vector):
    return [word for name in vector.get("trusted", []) for word in ("--key", key_file(name))]


def test_all_vectors_are_there():
    assert len(MANIFEST["vectors"]) == 37


@pytest.mark.parametrize("vector", MANIFEST["vectors"], ids=lambda v: v["id"])
def test_vectors(vector):
    done = image("verify", "--format", "esp-secure-cert", *trust(vector), "--json",
                 VECTORS / vector["file"])
    found = json.loads(done.stdout)
    assert found["verdict"] == vector["expect"], found
    if vector["expect"] == "accept":
        assert done.returncode == 0
        names = [part["name"] for part in found["parts"] if part["name"] not in ("signer", "end mark")]
        assert names == [tlv["name"] for tlv in vector["tlvs"]]
    else:
        assert done.returncode == 4
        assert found["error"] in ERRORS[vector["why"]], (vector["why"], found)


@pytest.mark.parametrize("name", ["signed-rsa", "signed-ecdsa384"])
def test_a_signature_by_nobody_knows_whom_is_refused(name):
    done = image("verify", "--format", "esp-secure-cert", "--json", VECTORS / f"{name}.bin")
    assert done.returncode == 4 and json.loads(done.stdout)["error"] == "HM-3207"


@pytest.mark.parametrize("name", ["plain", "user"])
def test_the_same_bytes_as_espressifs_generator(name, tmp_path):
    done = image("convert", "--format", "esp-secure-cert", "-o", tmp_path / "made", f"{name}.csv",
                 cwd=VECTORS)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "made").read_bytes() == (VECTORS / f"{name}.bin").read_bytes()


@pytest.mark.parametrize("data,signers", [("plain", ["sign-rsa"]), ("plain", ["sign-rsa", "sign-rsa-b"]),
                                          ("user", ["sign-ecdsa256"]), ("plain", ["sign-ecdsa384"])])
def test_signs_as_the_generator_does(data, signers, tmp_path):
    """RSA-PSS and ECDSA are random: all but the signatures is the same"""
    keys = [word for name in signers for word in ("--key", key_file(name))]
    done = image("sign", "--format", "esp-secure-cert", *keys, "-o", tmp_path / "made",
                 VECTORS / f"{data}.bin")
    assert done.returncode == 0, done.stderr
    theirs = {1: "signed-" + signers[0][5:], 2: "signed-rsa-2"}[len(signers)]
    ours, theirs = (tmp_path / "made").read_bytes(), (VECTORS / f"{theirs}.bin").read_bytes()
    assert len(ours) == len(theirs)
    start = (VECTORS / f"{data}.bin").stat().st_size
    assert ours[:start + 28] == theirs[:start + 28] and ours[-4:] == theirs[-4:]
    public = image("verify", "--format", "esp-secure-cert", *keys[-2:], tmp_path / "made")
    assert public.returncode == 0, public.stderr
    again = image("sign", "--format", "esp-secure-cert", *keys, "-o", tmp_path / "again",
                  tmp_path / "made")
    assert again.returncode == 10 and b"HM-3210" in again.stderr


def tlvs(partition):
    at = 0
    while partition[at:at + 4] == bytes.fromhex("11ba5eba"):
        kind, subtype, size = struct.unpack("<BBH", partition[at + 8:at + 12])
        end = at + 12 + -(-size // 16) * 16
        assert zlib.crc32(partition[at:end], 0xFFFFFFFF) == struct.unpack("<I", partition[end:end + 4])[0]
        yield kind, subtype, partition[at + 12:at + 12 + size]
        at = end + 4


def little(data):
    return int.from_bytes(data, "little")


@pytest.mark.parametrize("bits,chip,most", [(2048, "esp32c3", 3072), (2048, "esp32s3", 4096),
                                            (3072, "esp32c3", 3072)])
def test_the_ds_peripheral_reads_its_key(bits, chip, most, tmp_path):
    done = image("convert", "--format", "esp-secure-cert", "--ds-chip", chip, "-o", tmp_path / "made",
                 f"ds{bits}.csv", cwd=VECTORS)
    assert done.returncode == 0, done.stderr
    found = {(kind, sub): value for kind, sub, value in tlvs((tmp_path / "made").read_bytes())}
    theirs = (VECTORS / f"ds{bits}-{chip[5:]}.bin").read_bytes()
    wanted = {(kind, sub): value for kind, sub, value in tlvs(theirs)}
    assert list(found) == list(wanted) and found[4, 0] == wanted[4, 0] and found[1, 0] == wanted[1, 0]
    data = found[3, 0]
    assert len(data) == len(wanted[3, 0]) and data[:4] == wanted[3, 0][:4]
    key = hmac.new((VECTORS / "keys/hmac.bin").read_bytes(), b"\xff" * 32, hashlib.sha256).digest()
    plain = Cipher(algorithms.AES(key), modes.CBC(data[4:20])).decryptor().update(data[20:])
    size = most // 8
    d, n, rb = (little(plain[i * size:(i + 1) * size]) for i in range(3))
    md, words, fill = plain[3 * size:3 * size + 32], plain[3 * size + 32:3 * size + 40], plain[-8:]
    numbers = load_pem_private_key((VECTORS / f"in/rsa{bits}.key").read_bytes(), None).private_numbers()
    assert n == numbers.public_numbers.n and d == numbers.d and rb == pow(2, 2 * bits, n)
    assert little(words[:4]) * n % 2**32 == 2**32 - 1 and little(words[4:]) == bits // 32 - 1
    assert fill == b"\x08" * 8
    assert md == hashlib.sha256(plain[:3 * size] + words + data[4:20]).digest()


def test_tables_that_are_not_right(tmp_path):
    head = "tlv_type,tlv_subtype,data_value,data_type,priv_key_type,algorithm,key_size,efuse_id,efuse_key\n"
    for row, words in (("NOTHING,0,x,string,,,,,", b"no such tlv_type"),
                       ("ESP_SECURE_CERT_USER_DATA_1_TLV,17,x,string,,,,,", b"tlv_subtype is 0 to 16"),
                       ("ESP_SECURE_CERT_USER_DATA_1_TLV,0,xyz,hex,,,,,", b"not hex"),
                       ("ESP_SECURE_CERT_USER_DATA_1_TLV,0,x,file2,,,,,", b"data_type is"),
                       ("ESP_SECURE_CERT_INTEGRITY_TLV,0,00,hex,,,,,", b"made, not given"),
                       ("ESP_SECURE_CERT_PRIV_KEY_TLV,0,00,hex,hmac,,,,", b"plaintext or rsa_ds"),
                       ("ESP_SECURE_CERT_USER_DATA_1_TLV,0,x", b"HM-1001"),
                       ("ESP_SECURE_CERT_PRIV_KEY_TLV,0,k,file,rsa_ds,RSA,2048,1,h", b"--ds-chip"),
                       ("ESP_SECURE_CERT_USER_DATA_1_TLV,0,\"x,string,,,,,", b"does not end")):
        (tmp_path / "t.csv").write_text(head + row + "\n")
        done = image("convert", "--format", "esp-secure-cert", "-o", tmp_path / "out", tmp_path / "t.csv")
        assert done.returncode != 0 and words in done.stderr, (row, done.stderr)
        assert not (tmp_path / "out").exists()
    twice = "ESP_SECURE_CERT_USER_DATA_1_TLV,0,x,string,,,,,\n" * 2
    (tmp_path / "t.csv").write_text(head + twice)
    done = image("convert", "--format", "esp-secure-cert", "-o", tmp_path / "out", tmp_path / "t.csv")
    assert done.returncode == 4 and b"HM-3204" in done.stderr


STAMP = ROOT / "tests/vectors/wire/stamp.cbor"


def make_stamp(folder, key, aad=b"hallmark-stamp-v1"):
    """A stamp whose certificates are real ones; the names of its files and of the public key."""
    content = cbor2.loads(STAMP.read_bytes())
    content[9] = der("device")
    content[10] = [der("ca"), der("rsa2048")]
    (folder / "device.stamp").write_bytes(counterpart.sign1(key, aad, counterpart.cbor(content)))
    (folder / "stamp.pub").write_bytes(key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return content


def der(name):
    return load_pem_x509_certificate((VECTORS / f"in/{name}.crt").read_bytes()).public_bytes(Encoding.DER)


def convert_stamp(folder, rows, *more):
    head = "tlv_type,tlv_subtype,data_value,data_type,priv_key_type,algorithm,key_size,efuse_id,efuse_key\n"
    (folder / "t.csv").write_text(head + "".join(f"ESP_SECURE_CERT_{row},,,,,\n" for row in rows))
    return image("convert", "--format", "esp-secure-cert", *more, "-o", "out", "t.csv", cwd=folder)


def test_the_certificates_of_a_stamp(tmp_path):
    """Device's and CAs', and where the chip keeps its key; no secret of the stamp"""
    key = counterpart.new_key()
    content = make_stamp(tmp_path, key)
    rows = ["DEV_CERT_TLV,0,device.stamp,stamp", "CA_CERT_TLV,0,device.stamp,stamp",
            "CA_CERT_TLV,1,device.stamp,stamp", "SEC_CFG_TLV,0,3,efuse"]
    done = convert_stamp(tmp_path, rows, "--stamp-key", "stamp.pub")
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "out").read_bytes()
    found = json.loads(image("verify", "--format", "esp-secure-cert", "--json", tmp_path / "out").stdout)
    assert found["verdict"] == "accept"
    assert [p["name"] for p in found["parts"]] == ["DEV_CERT", "CA_CERT", "CA_CERT", "SEC_CFG", "INTEGRITY"]
    at = 0
    for kind, subtype, value in ((1, 0, content[9]), (0, 0, content[10][0]), (0, 1, content[10][1]),
                                 (6, 0, bytes([0, 0, 0, 0, 3]) + bytes(39))):
        assert made[at:at + 12] == struct.pack("<IIBBH", 0xba5eba11, 0, kind, subtype, len(value))
        assert made[at + 12:at + 12 + len(value)] == value
        at += 16 + len(value) + -len(value) % 16
    assert content[12] not in made


def test_stamps_that_are_not_taken(tmp_path):
    key = counterpart.new_key()
    make_stamp(tmp_path, key)
    one = ["DEV_CERT_TLV,0,device.stamp,stamp"]
    for rows, words in ((["DEV_CERT_TLV,1,device.stamp,stamp"], b"no such certificate"),
                        (["CA_CERT_TLV,2,device.stamp,stamp"], b"no such certificate"),
                        (["PRIV_KEY_TLV,0,device.stamp,stamp"], b"priv_key_type"),
                        (["USER_DATA_1_TLV,0,device.stamp,stamp"], b"no such certificate"),
                        (["SEC_CFG_TLV,0,6,efuse"], b"0 to 5"), (["CA_CERT_TLV,0,3,efuse"], b"data_type is")):
        done = convert_stamp(tmp_path, rows, "--stamp-key", "stamp.pub")
        assert done.returncode != 0 and words in done.stderr, (rows, done.stderr)
    assert b"--stamp-key" in convert_stamp(tmp_path, one).stderr
    for wrong in (counterpart.new_key(), key):  # another's; for another purpose
        make_stamp(tmp_path, wrong, b"hallmark-void-v1" if wrong is key else b"hallmark-stamp-v1")
        (tmp_path / "stamp.pub").write_bytes(key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        assert b"not a stamp by" in convert_stamp(tmp_path, one, "--stamp-key", "stamp.pub").stderr
    assert not (tmp_path / "out").exists()


def test_a_partition_as_read_from_flash(tmp_path):
    content = (VECTORS / "plain.bin").read_bytes()
    (tmp_path / "flash").write_bytes(content + b"\xff" * (8192 - len(content)))
    assert image("verify", "--format", "esp-secure-cert", tmp_path / "flash").returncode == 0
    (tmp_path / "flash").write_bytes(content + b"\xff" * 100)
    assert image("verify", "--format", "esp-secure-cert", tmp_path / "flash").returncode == 4
    (tmp_path / "flash").write_bytes(content + b"\xff" * (8191 - len(content)) + b"\xfe")
    assert image("verify", "--format", "esp-secure-cert", tmp_path / "flash").returncode == 4


def test_espressifs_own():
    """Public test data of Espressif, where it is at hand: no INTEGRITY, so ours says no and why"""
    if not UPSTREAM.exists():
        return
    done = image("verify", "--format", "esp-secure-cert", "--key", UPSTREAM / "secure_boot.key", "--json",
                 UPSTREAM / "secure_verification.bin")
    found = json.loads(done.stdout)
    assert found["verdict"] == "reject"
    assert [part["value"] for part in found["parts"] if part["name"] == "signer"][:1] or found["faults"]
