# SPDX-License-Identifier: Apache-2.0
"""eFuse plans: the same registers as Espressif's emulator, the same refusals, and rules of our own"""
import json, os, pathlib, re, shlex, subprocess

import pytest

from line import HALLMARK

ROOT = pathlib.Path(__file__).parents[2]
VECTORS = ROOT / "tests/vectors/images/esp-efuse"
MANIFEST = json.loads((VECTORS / "manifest.json").read_text())


DIGESTS = ["burn-key BLOCK_KEY1 keys/dig0.bin SECURE_BOOT_DIGEST0 BLOCK_KEY2 keys/dig1.bin SECURE_BOOT_DIGEST1"]
FLASH = ["burn-key BLOCK_KEY0 keys/k32.bin XTS_AES_128_KEY"]


def image(*words):
    return subprocess.run([HALLMARK, "image", *map(str, words)], capture_output=True, timeout=60,
                          cwd=VECTORS)


def run(folder, chip, *lines, state=None):
    (folder / "plan").write_text("\n".join(lines) + "\n")
    words = ["--efuse-state", state] if state else []
    return image("convert", "--format", "esp-efuse", "--chip", chip, *words, "-o", folder / "chip",
                 folder / "plan")


def registers(path):
    content = path.read_bytes()[::-1]
    return {at: int.from_bytes(content[at:at + 4], "little") for at in range(0, len(content), 4)}


def plan_of(vector):
    """A line for each burn; the first ESP32's keys are named by their purpose"""
    return [burn.removeprefix("espefuse ") for burn in shlex.split(vector["made_by"])]


@pytest.mark.parametrize("vector", MANIFEST["vectors"], ids=lambda v: v["id"])
def test_the_same_registers_as_the_emulator(vector, tmp_path):
    done = run(tmp_path, vector["chip"], *plan_of(vector))
    assert done.returncode == 0, done.stderr
    ours, theirs = registers(tmp_path / "chip"), registers(VECTORS / vector["file"])
    assert {f"{at:#05x}": f"{value:#010x}" for at, value in theirs.items() if value} == vector["registers"]
    # Block 0, key blocks, and the parity of the block that was burned last; the rest is the controller's.
    last = {"esp32": 0x078, "esp32c2": 0x080, "esp32s31": 0x148}.get(vector["chip"], 0x15c)
    first = 0x000 if vector["chip"] == "esp32" else 0x020
    if not any(theirs[at] for at in range(0x020, 0x02c, 4)):      # S31's controller forgets it
        first = 0x02c
    assert {at: ours[at] for at in range(first, last, 4)} == {at: theirs[at] for at in range(first, last, 4)}
    shown = image("verify", "--format", "esp-efuse", "--chip", vector["chip"], "--json", tmp_path / "chip")
    parts = {part["name"]: part["value"] for part in json.loads(shown.stdout)["parts"]}
    for name, field in vector["fields"].items():
        if not name.startswith("BLOCK") and int(field["value"], 16) and not name.endswith("_H"):
            assert parts[name].split()[0] == f"{int(field['value'], 16):#x}", name


def test_each_field_of_each_chip_was_burned_and_locked():
    chips = {vector["chip"] for vector in MANIFEST["vectors"]}
    assert len(chips) == 13
    for chip in chips:
        name = chip.removeprefix("esp32") or "esp32"
        assert {f"{name}-fields", f"{name}-locks"} <= {vector["id"] for vector in MANIFEST["vectors"]}


@pytest.mark.parametrize("refusal", MANIFEST["refusals"], ids=lambda v: v["id"])
def test_the_same_refusals(refusal, tmp_path):
    steps = [step["command"].removeprefix("espefuse ") for step in refusal["steps"]]
    if refusal["id"] == "c3-unburn":      # ours wants a digest before secure boot
        steps.insert(0, DIGESTS[0])
    for step in refusal["steps"][:-1]:
        assert step["exit"] == 0
    assert refusal["steps"][-1]["exit"] != 0
    if len(steps) > 1:
        assert run(tmp_path, refusal["chip"], *steps[:-1]).returncode == 0
        (tmp_path / "chip").unlink()
    done = run(tmp_path, refusal["chip"], *steps)
    assert done.returncode in (4, 10), done.stderr
    assert f"line {len(steps)}".encode() in done.stderr
    assert not (tmp_path / "chip").exists()


@pytest.mark.parametrize("lines,words", [
    (DIGESTS + ["burn-efuse SECURE_BOOT_EN 1"] + FLASH, b"burn this key before it"),
    (["burn-efuse SECURE_BOOT_EN 1"], b"without the digest of a key"),
    (["burn-efuse ENABLE_SECURITY_DOWNLOAD 1"] + FLASH, b"that lock comes last"),
    (["burn-efuse DIS_DOWNLOAD_MODE 1", "burn-efuse DIS_PAD_JTAG 1"], b"that lock comes last"),
    (["write-protect-efuse SECURE_VERSION", "burn-efuse SECURE_VERSION 1"], b"is write-protected"),
    (["burn-efuse SECURE_VERSION 0x1ffff"], b"has 16 bits"),
    (["burn-efuse SECURE_VERSION 3", "burn-efuse SECURE_VERSION 4"], b"from 0 to 1 only"),
    (["burn-efuse NOTHING 1"], b"no field"), (["burn-efuse SECURE_VERSION x"], b"is no value"),
    (["burn"], b"no command"), (["burn-key BLOCK_KEY6 keys/k32.bin USER"], b"no block"),
    (["burn-key BLOCK_KEY0 keys/k32.bin ECDSA_KEY_P384"], b"48 bytes"),
    (["burn-key BLOCK_KEY0 nowhere USER"], b"HM-9008"),
    (["burn-key BLOCK_KEY0 keys/k64.bin XTS_AES_256_KEY"], b"esp32c3 has no key purpose XTS_AES_256_KEY"),
    (["burn-key BLOCK_KEY0 keys/ecdsa256.pem ECDSA_KEY"], b"esp32c3 has no key purpose ECDSA_KEY"),
    (["burn-efuse KEY_PURPOSE_0 2"], b"esp32c3 has no key purpose"),
    (["burn-efuse KEY_PURPOSE_5 4"], b"a bug of the hardware"),
    # One bit locks all of a group
    (["write-protect-efuse SECURE_VERSION", "burn-efuse ENABLE_SECURITY_DOWNLOAD 1"], b"is write-protected"),
    (["write-protect-efuse DIS_PAD_JTAG", "burn-efuse DIS_USB_JTAG 1"], b"is write-protected"),
    (["write-protect-efuse RD_DIS", "burn-efuse RD_DIS 1"], b"RD_DIS is write-protected"),
    (FLASH + ["read-protect-efuse BLOCK_KEY6"], b"cannot be read-protected"),
])
def test_what_a_factory_would_find_out_too_late(lines, words, tmp_path):
    done = run(tmp_path, "esp32c3", *lines)
    assert done.returncode != 0 and words in done.stderr, done.stderr
    assert f"line {len(lines)}".encode() in done.stderr or b"nowhere" in done.stderr
    assert not (tmp_path / "chip").exists()


def test_what_one_chip_has_and_another_has_not(tmp_path):
    both = ["burn-efuse DIS_USB_JTAG 1", "burn-efuse DIS_USB_SERIAL_JTAG 1"]
    assert b"exclude each other" in run(tmp_path, "esp32s3", *both).stderr
    assert b"exclude each other" in run(tmp_path, "esp32s3", *reversed(both)).stderr
    assert run(tmp_path, "esp32-s3", both[0]).returncode == 0
    six = "burn-key BLOCK_KEY5 keys/dig0.bin SECURE_BOOT_DIGEST0"
    assert b"esp32s31 has no BLOCK_KEY5" in run(tmp_path, "esp32s31", six).stderr
    assert b"a bug" in run(tmp_path, "esp32h2", "burn-key BLOCK_KEY5 keys/ecdsa256.pem ECDSA_KEY").stderr
    assert run(tmp_path, "esp32h4", "burn-key BLOCK_KEY5 keys/ecdsa256.pem ECDSA_KEY").returncode == 0


def test_a_block_that_is_hidden_by_its_bit_shows_nothing(tmp_path):
    assert run(tmp_path, "esp32c3", FLASH[0] + " --no-read-protect", "burn-efuse RD_DIS 1").returncode == 0
    assert not any(registers(tmp_path / "chip").get(at) for at in range(0x9c, 0xbc, 4))


def judge(folder, chip="esp32c3"):
    done = image("verify", "--format", "esp-efuse", "--chip", chip, "--json", folder / "chip")
    found = json.loads(done.stdout)
    return done.returncode, " ".join(fault["text"] for fault in found["faults"]), \
        " ".join(note["text"] for note in found["notes"])


def test_what_must_not_leave_a_factory(tmp_path):
    on = ["burn-efuse SECURE_BOOT_EN 1"]
    run(tmp_path, "esp32c3", *FLASH, *DIGESTS, *on)
    assert judge(tmp_path)[:2] == (4, "digest slot 2 is neither used nor revoked: who can burn adds a key")
    revoke = ["burn-efuse SECURE_BOOT_KEY_REVOKE2 1"]
    run(tmp_path, "esp32c3", *FLASH, *DIGESTS, *revoke, "burn-efuse SPI_BOOT_CRYPT_CNT 7", *on)
    status, faults, notes = judge(tmp_path)
    assert status == 0 and faults == "" and "the download mode is open" in notes
    assert "can grow 16 more times" in notes
    run(tmp_path, "esp32c3", "burn-efuse SPI_BOOT_CRYPT_CNT 1")
    status, faults, notes = judge(tmp_path)
    assert status == 4 and "has no key" in faults and "switched off again" in notes
    run(tmp_path, "esp32c3", FLASH[0] + " --no-read-protect")
    assert "can be read" in judge(tmp_path)[1]
    run(tmp_path, "esp32c3", *DIGESTS, "read-protect-efuse BLOCK_KEY1")
    assert "cannot compare it" in judge(tmp_path)[1]
    run(tmp_path, "esp32c3", "burn-efuse SECURE_VERSION 0x7")
    assert "can grow 13 more times" in judge(tmp_path)[2]


def test_a_plan_in_two_parts(tmp_path):
    """A state that was kept is gone on from, and comes to the same"""
    assert run(tmp_path, "esp32c3", *FLASH).returncode == 0
    os.rename(tmp_path / "chip", tmp_path / "half")
    assert run(tmp_path, "esp32c3", *DIGESTS, state=tmp_path / "half").returncode == 0
    two = (tmp_path / "chip").read_bytes()
    assert run(tmp_path, "esp32c3", *FLASH, *DIGESTS).returncode == 0
    assert (tmp_path / "chip").read_bytes() == two
    again = run(tmp_path, "esp32c3", *FLASH, state=tmp_path / "half")
    assert again.returncode == 10 and b"read-protected" in again.stderr
    (tmp_path / "half").write_bytes(bytes(100))
    assert run(tmp_path, "esp32c3", *FLASH, state=tmp_path / "half").returncode == 4


def test_no_secret_in_what_is_said(tmp_path):
    key = (VECTORS / "keys/k32.bin").read_bytes()
    done = run(tmp_path, "esp32c3", *FLASH, "burn-efuse SECURE_BOOT_EN 1")
    assert key.hex().encode() not in done.stderr + done.stdout
    run(tmp_path, "esp32c3", *FLASH)
    assert key not in (tmp_path / "chip").read_bytes() and key[::-1] not in (tmp_path / "chip").read_bytes()
