# SPDX-License-Identifier: Apache-2.0
"""NVS partitions: every vector, the generator's bytes, and another reader in Python"""
import json, os, pathlib, stat, struct, subprocess, zlib

import cbor2
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import counterpart
from line import HALLMARK

ROOT = pathlib.Path(__file__).parents[2]
VECTORS = ROOT / "tests/vectors/images/esp-nvs"
UPSTREAM = ROOT.parent / "shared/vectors/images/esp-nvs/upstream"
MANIFEST = json.loads((VECTORS / "manifest.json").read_text())
ERRORS = {"entry CRC": "HM-3205", "data CRC": "HM-3205", "page header CRC": "HM-3205",
          "length not a multiple of 4096": "HM-3202", "too small for read/write use": "HM-3214"}


def image(*words, **given):
    return subprocess.run([HALLMARK, "image", *map(str, words)], capture_output=True, timeout=60, **given)


def key_words(vector, folder):
    if "key" not in vector:
        return []
    key = MANIFEST["keys"][vector["key"]]
    if "file" in key:
        return ["--nvs-key", VECTORS / key["file"]]
    (folder / "key").write_bytes(bytes.fromhex(key["hex"]))
    return ["--nvs-key", folder / "key"]


def test_all_vectors_are_there():
    assert len(MANIFEST["vectors"]) == 57


@pytest.mark.parametrize("vector", MANIFEST["vectors"], ids=lambda v: v["id"])
def test_vectors(vector, tmp_path):
    words = key_words(vector, tmp_path) + (["--nvs-readonly"] if vector.get("readonly") else [])
    done = image("verify", "--format", "esp-nvs", *words, "--json", VECTORS / vector["file"])
    found = json.loads(done.stdout)
    assert found["verdict"] == vector["expect"], found
    assert done.returncode == (0 if vector["expect"] == "accept" else 4)
    if vector["expect"] == "reject":
        assert found["error"] == ERRORS.get(vector["first_fault"], "HM-3204"), found


def crc(data):
    return zlib.crc32(data, 0xFFFFFFFF)


def read(partition, key=None):
    """{(namespace, key): bytes} of a partition: another reader, as simple as can be"""
    names, values, chunks, pages = {}, {}, {}, []
    for at in range(0, len(partition), 4096):
        page = partition[at:at + 4096]
        if page[:4] != b"\xff" * 4:
            assert struct.unpack("<I", page[28:32])[0] == crc(page[4:28])
            pages.append((struct.unpack("<I", page[4:8])[0], at, page))
    for _, start, page in sorted(pages):
        i = 0
        entries = []
        for n in range(126):
            entry = page[64 + 32 * n:96 + 32 * n]
            if page[32 + n // 4] >> n % 4 * 2 & 3 == 2 and key:
                tweak = struct.pack("<QQ", start + 64 + 32 * n, 0)
                entry = Cipher(algorithms.AES(key), modes.XTS(tweak)).decryptor().update(entry)
            entries.append(entry)
        while i < 126:
            if page[32 + i // 4] >> i % 4 * 2 & 3 != 2:
                i += 1
                continue
            e = entries[i]
            assert struct.unpack("<I", e[4:8])[0] == crc(e[:4] + e[8:])
            name, data = e[8:24].rstrip(b"\0").decode(), e[24:]
            if e[0] == 0:
                names[data[0]] = name
            elif e[1] in (0x21, 0x41, 0x42):
                size, _, check = struct.unpack("<HHI", data)
                value = b"".join(entries[i + 1:i + e[2]])[:size]
                assert crc(value) == check
                (chunks if e[1] == 0x42 else values)[(names[e[0]], name) + ((e[3],) if e[1] == 0x42 else ())] = value
            elif e[1] == 0x48:
                size, count, first, _ = struct.unpack("<IBBH", data)
                whole = b"".join(chunks.pop((names[e[0]], name, first + n)) for n in range(count))
                assert len(whole) == size
                values[names[e[0]], name] = whole
            else:
                values[names[e[0]], name] = data[:e[1] & 15]
            i += e[2]
    assert not chunks
    return values


@pytest.mark.parametrize("vector", [v for v in MANIFEST["vectors"] if v["kind"] == "valid"],
                         ids=lambda v: v["id"])
def test_the_same_bytes_as_the_generator(vector, tmp_path):
    if vector["id"] == "plain-wifi":
        return      # its generator adds values that nobody asked for: the next test
    command = vector["made_by"].split()
    size = [word for word in command if word.startswith("0x")][0]
    version = ["--nvs-version", "1"] if "--version" in command else []
    done = image("convert", "--format", "esp-nvs", "--partition-size", size, *version,
                 *key_words(vector, tmp_path), "-o", tmp_path / "made", vector["csv"], cwd=VECTORS)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "made").read_bytes() == (VECTORS / vector["file"]).read_bytes()


def test_no_key_has_a_meaning_of_its_own(tmp_path):
    done = image("convert", "--format", "esp-nvs", "--partition-size", "0x3000", "-o", tmp_path / "made",
                 "wifi.csv", cwd=VECTORS)
    assert done.returncode == 0, done.stderr
    assert read((tmp_path / "made").read_bytes()) == {("other.ns", "sta.ssid"): b"net\0",
                                                      ("other.ns", "x"): b"\1"}


def table(folder, *rows):
    (folder / "t.csv").write_text("key,type,encoding,value\n" + "".join(row + "\n" for row in rows))
    return folder / "t.csv"


def convert(folder, csv, *words):
    return image("convert", "--format", "esp-nvs", "--partition-size", "0x8000", *words, "-o",
                 folder / "made", csv, cwd=folder)


def test_what_goes_in_comes_out(tmp_path):
    content = os.urandom(9000)
    (tmp_path / "blob").write_bytes(content)
    csv = table(tmp_path, "a,namespace,,", "text,data,string,\"with, comma and \"\"quotes\"\"\"",
                f"blob,file,binary,{tmp_path}/blob", "b,namespace,,", "text,data,string,",
                "n,data,i16,-1", "longest,data,string," + "x" * 3999, "none,data,hex2bin,")
    done = convert(tmp_path, csv, "--nvs-new-key", tmp_path / "key")
    assert done.returncode == 0, done.stderr
    key = (tmp_path / "key").read_bytes()
    assert len(key) == 4096 and stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert read((tmp_path / "made").read_bytes(), key[:64]) == {
        ("a", "text"): b'with, comma and "quotes"\0', ("a", "blob"): content, ("b", "text"): b"\0",
        ("b", "n"): b"\xff\xff", ("b", "longest"): b"x" * 3999 + b"\0", ("b", "none"): b""}
    again = convert(tmp_path, csv, "--nvs-new-key", tmp_path / "key")
    assert again.returncode == 3 and b"HM-9009" in again.stderr      # a key is never written over


@pytest.mark.parametrize("rows,words", [
    (["n,data,u8,1"], b"before any namespace"),
    (["a,namespace,,", "n,data,u8,256"], b"not a number in the range"),
    (["a,namespace,,", "n,data,i8,-129"], b"not a number in the range"),
    (["a,namespace,,", "n,data,u16,-1"], b"not a number in the range"),
    (["a,namespace,,", "n,data,u8,0x10"], b"not a number in the range"),
    (["a,namespace,,", "sixteen_letters_,data,u8,1"], b"1 to 15 bytes"),
    (["a,namespace,,", "s,data,string," + "x" * 4000], b"up to 3999 bytes"),
    (["a,namespace,,", "s,data,what,x"], b"the encoding is"),
    (["a,namespace,,", "s,text,string,x"], b"the type is"),
    (["a,namespace,,", "s,data,hex2bin,abc"], b"not in its encoding"),
    (["a,namespace,,", "s,data,base64,*"], b"not in its encoding"),
    (["a,namespace,,", "s,data,string"], b"4 cells"),
    (["a,namespace,,", "s,file,binary,/nowhere"], b"HM-9008"),
    (["a,namespace,,", "s,data,u8,1", "s,data,u8,2"], b"a key twice"),
    (["a,namespace,,", "a,namespace,,"], b"a namespace twice"),
    (["a,namespace,,"] + [f"b{n},data,string," + "x" * 3900 for n in range(8)], b"HM-3214"),
])
def test_tables_that_are_not_right(rows, words, tmp_path):
    done = convert(tmp_path, table(tmp_path, *rows))
    assert done.returncode != 0 and words in done.stderr, done.stderr
    assert not (tmp_path / "made").exists()


STAMP = ROOT / "tests/vectors/wire/stamp.cbor"
FIELDS = ["serial", "order", "mac", "device-id", "certificate", "ca0", "ca1", "config", "counter"]


def make_stamp(folder, key, without=()):
    """What is in the stamp that the files device.stamp and stamp.pub are"""
    content = cbor2.loads(STAMP.read_bytes())
    content.update({n: None for n in without})
    (folder / "device.stamp").write_bytes(
        counterpart.sign1(key, b"hallmark-stamp-v1", counterpart.cbor(content)))
    (folder / "stamp.pub").write_bytes(key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return content


def test_what_a_stamp_says_of_its_device(tmp_path):
    """The same bytes as from a table with these values, plain and encrypted; no secret of the stamp"""
    key = counterpart.new_key()
    content = make_stamp(tmp_path, key)
    rows = [f"{n},stamp,{n},device.stamp" for n in FIELDS]
    plain = [f"serial,data,string,{content[7]}", f"order,data,string,{content[1]}",
             *(f"{n},data,hex2bin,{v.hex()}" for n, v in zip(FIELDS[2:8], (
                 content[8], content[2], content[9], *content[10], content[13]))),
             f"counter,data,u32,{content[6]}"]
    made = []
    for lines, words in ((rows, ["--stamp-key", "stamp.pub"]), (plain, [])):
        done = convert(tmp_path, table(tmp_path, "factory,namespace,,", *lines), *words)
        assert done.returncode == 0, done.stderr
        made.append((tmp_path / "made").read_bytes())
    assert made[0] == made[1]
    found = read(made[0])
    assert found["factory", "certificate"] == content[9] and found["factory", "mac"] == content[8]
    assert content[12] not in made[0]
    done = convert(tmp_path, table(tmp_path, "factory,namespace,,", *rows), "--stamp-key", "stamp.pub",
                   "--nvs-new-key", "nvs.key")
    assert done.returncode == 0, done.stderr
    sealed = (tmp_path / "made").read_bytes()
    assert read(sealed, (tmp_path / "nvs.key").read_bytes()[:64]) == found and content[9] not in sealed


def test_stamps_that_are_not_taken(tmp_path):
    key = counterpart.new_key()
    make_stamp(tmp_path, key, without=(8, 13))

    def refused(field, words, *more):
        rows = ["factory,namespace,,", f"a,stamp,{field},device.stamp"]
        done = convert(tmp_path, table(tmp_path, *rows), *more)
        assert done.returncode == 2 and words in done.stderr and b"line 3" in done.stderr, done.stderr
        assert not (tmp_path / "made").exists()

    for field in ("mac", "config", "ca2", "ca9"):
        refused(field, b"has no such field", "--stamp-key", "stamp.pub")
    for field in ("secrets", "ca", "ca00", "caX", "", "Serial"):
        refused(field, b"serial, order, mac", "--stamp-key", "stamp.pub")
    refused("serial", b"--stamp-key")
    make_stamp(tmp_path, counterpart.new_key())
    (tmp_path / "other.pub").write_bytes(key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    refused("serial", b"not a stamp by", "--stamp-key", "other.pub")


def test_key_partitions_that_are_none(tmp_path):
    for row in MANIFEST["key_partitions"]:
        if "file" in row:
            content = (VECTORS / row["file"]).read_bytes()
        else:
            content = bytes.fromhex(row["first_68_bytes"]).ljust(4096, b"\xff")
        (tmp_path / "key").write_bytes(content)
        done = image("verify", "--format", "esp-nvs", "--nvs-key", tmp_path / "key",
                     VECTORS / "xts-basic.bin")
        assert (done.returncode == 0) == (row["expect"] == "accept"), (row, done.stderr)


@pytest.mark.parametrize("name", ["xts-basic", "hmac-basic"])
def test_says_that_a_key_may_be_missing(name):
    done = image("verify", "--format", "esp-nvs", VECTORS / f"{name}.bin")
    assert done.returncode == 4 and b"without its --nvs-key" in done.stdout
    assert b"without its" not in image("verify", "--format", "esp-nvs", VECTORS / "plain-basic.bin").stdout


def test_espressifs_own():
    """Older generators left pages active that are not in use: what a strict reader refuses"""
    if not UPSTREAM.exists():
        return
    for file in sorted(UPSTREAM.glob("*.bin")):
        done = image("verify", "--format", "esp-nvs", "--nvs-readonly", "--json", file)
        assert done.returncode in (0, 4) and json.loads(done.stdout)["format"] == "esp-nvs"
