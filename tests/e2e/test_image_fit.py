# SPDX-License-Identifier: Apache-2.0
"""FIT images: every vector, mkimage's bytes, and U-Boot itself, which starts what we sign"""
import json, os, pathlib, shutil, struct, subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

import uboot
from line import HALLMARK

VECTORS = pathlib.Path(__file__).parents[1] / "vectors/images"
FIT = VECTORS / "fit"
EPOCH = "1767225600"


def run(*argv, cwd, status=0):
    done = subprocess.run([str(a) for a in argv], cwd=cwd, capture_output=True, timeout=300,
                          env=dict(os.environ, SOURCE_DATE_EPOCH=EPOCH))
    assert done.returncode == status, (argv, done.stdout, done.stderr)
    return done


def image(cwd, *argv, status=0):
    return run(HALLMARK, "image", *argv, cwd=cwd, status=status)


def manifest(name):
    return json.loads((VECTORS / name / "manifest.json").read_text())["vectors"]


# --- vectors ------------------------------------------------------------------------

def judge(vector, folder, *more):
    status = 0 if vector["expect"] == "accept" else 4
    return json.loads(image(folder, "verify", *more, "--json", vector["file"],
                            status=status).stdout)


# first words of the manifest's rule: our error
RULES = {"no signature": "HM-3207", "unknown key": "HM-3207", "signature node": "HM-3204", "signature": "HM-3206",
         "hash of": "HM-3205", "total size": "HM-3202", "external data": "HM-3202", "data after": "HM-3203",
         "FDT magic": "HM-3201", "control tree": "HM-3218", "": "HM-3204"}


def error_of(vector):
    if vector["id"] == "unsigned-norequired":  # two faults; the tree that would start anything comes first
        return "HM-3218"
    return next(error for rule, error in RULES.items() if vector["why"].startswith(rule))


def test_every_vector_gets_its_verdict_and_that_of_the_boot_loader():
    def check(vector):
        more = ["--format", "fit", "--control", vector["control"]]
        if "configuration" in vector:
            more += ["--configuration", vector["configuration"]]
        found = judge(vector, FIT, *more)
        assert found["verdict"] == vector["expect"], vector["id"]
        assert found["boot_loader"] == vector["bootloader"], vector["id"]
        assert (found["verdict"] == "accept") == (found["faults"] == [])
        if vector["expect"] == "accept":  # whose each signature is
            values = [[part["value"] for part in found["parts"] if part["name"] == name]
                      for name in ("signature", "signed")]
            assert len(values[0]) == len(values[1]) > 0 and all("sha" in value for value in values[1])
        if vector["expect"] == "reject":
            assert found["error"] == error_of(vector), (vector["id"], found["faults"])
            assert all("offset" in fault for fault in found["faults"]), vector["id"]

    with ThreadPoolExecutor(2) as pool:
        assert len(list(pool.map(check, manifest("fit")))) == 115


def test_every_environment_gets_its_verdict():
    judged = 0
    for vector in manifest("uboot-env"):
        more = ["--redundant"] if vector["redundant"] else []
        found = judge(vector, VECTORS / "uboot-env", "--format", "uboot-env", *more)
        assert found["verdict"] == vector["expect"], vector["id"]
        variables = dict(part["value"].split("=", 1) for part in found["parts"]
                         if part["name"] == "variable")
        assert variables == vector.get("variables", {}), vector["id"]
        assert found.get("error") == (None if vector["expect"] == "accept" else "HM-3205"), vector["id"]
        judged += 1
    assert judged == 8


def test_the_kind_of_a_file_is_recognised():
    for name, kind in (("two-keys.itb", "fit"), ("ctl/two-keys.dtb", "fit-control"),
                       ("../uboot-env/plain-redundant-0x400.bin", "uboot-env")):
        assert json.loads(image(FIT, "inspect", "--json", name).stdout)["format"] == kind


# --- mkimage, dtc, mkenvimage --------------------------------------------------------

def settled(data):
    """With zeros where libfdt leaves what was there: behind values, behind the strings."""
    data = bytearray(data)
    total, at, strings = struct.unpack(">III", data[4:16])
    strings_size, size = struct.unpack(">II", data[32:40])
    end = at + size
    while at < end:
        token, at = struct.unpack(">I", data[at:at + 4])[0], at + 4
        if token == 1:
            at = (data.index(0, at) + 4) & ~3
        if token == 3:
            after = at + 8 + struct.unpack(">I", data[at:at + 4])[0]
            at = (after + 3) & ~3
            data[after:at] = bytes(at - after)
    data[strings + strings_size:total] = bytes(total - strings - strings_size)
    return bytes(data)


@pytest.fixture
def bench(tmp_path):
    shutil.copytree(FIT, tmp_path, dirs_exist_ok=True)
    for key in (tmp_path / "keys").glob("*.key"):
        run("openssl", "pkey", "-in", key, "-pubout", "-out", key.with_suffix(".pub"), cwd=tmp_path)
    for key in (tmp_path / "keys").glob("ec*.pem"):
        run("openssl", "pkey", "-in", key, "-pubout", "-out", key.with_suffix(".pub"), cwd=tmp_path)
    return tmp_path


@pytest.mark.parametrize("name,key", [("rsa2048-pkcs1", "rsa2048"), ("rsa4096-sha512", "rsa4096"),
                                      ("rsa2048-default-padding", "rsa2048")])
def test_what_is_deterministic_is_what_mkimage_writes(bench, name, key):
    run("mkimage", "-f", f"{name}.its", "unsigned.itb", cwd=bench)
    size = (bench / f"{name}.itb").stat().st_size
    image(bench, "sign", "--format", "fit", "--key", f"keys/{key}.key", "--hint", key, "--fdt-size",
          size, "--signer-name", "mkimage", "--signer-version", "2023.01", "-o", "ours.itb",
          "unsigned.itb")
    assert settled((bench / "ours.itb").read_bytes()) == settled(
        (bench / f"{name}.itb").read_bytes())


@pytest.mark.parametrize("name,keys", [
    ("rsa2048-pkcs1", ["rsa2048"]), ("rsa4096-sha512", ["rsa4096"]), ("ecdsa256-head", ["ec256"]),
    ("ecdsa384-head", ["ec384"]), ("two-keys", ["rsa3072", "rsa2048"])])
def test_control_trees_are_what_mkimage_writes(bench, name, keys):
    (bench / "base.dts").write_text(subprocess.run(
        ["dtc", "-q", "-I", "dtb", "-O", "dts", f"ctl/{name}.dtb"], cwd=bench, check=True,
        capture_output=True, text=True).stdout.split("signature {")[0] + "signature {}; };")
    run("dtc", "-q", "-O", "dtb", "-o", "base.dtb", "base.dts", cwd=bench)
    must = (bench / f"ctl/{name}.dtb").read_bytes()
    more = []
    for key in keys:
        more += ["--key", f"keys/{key}.pub", "--hint", key]
    if name == "rsa4096-sha512":
        more += ["--hash", "sha512"]
    image(bench, "convert", "--format", "fit-control", *more, "--fdt-size", len(must), "-o",
          "ours.dtb", "base.dtb")
    image(bench, "verify", "--format", "fit-control", "ours.dtb")
    ours, theirs = (subprocess.run(["dtc", "-q", "-s", "-I", "dtb", "-O", "dts", tree], cwd=bench,
                                   check=True, capture_output=True).stdout
                    for tree in ("ours.dtb", f"ctl/{name}.dtb"))
    assert ours == theirs
    if len(keys) == 1:  # which of two mkimage adds first decides about the order of names
        assert settled((bench / "ours.dtb").read_bytes()) == settled(must)


def test_what_mkimage_signs_needs_no_sign_images_of_ours(bench):
    """mkimage leaves the ramdisk out unless it is told; we never do."""
    run("mkimage", "-f", "unsigned-ramdisk.its", "unsigned.itb", cwd=bench)
    image(bench, "sign", "--format", "fit", "--key", "keys/rsa2048.key", "--hint", "rsa2048",
          "--control", "ctl/unsigned-ramdisk.dtb", "-o", "ours.itb", "unsigned.itb")
    nodes = run("fdtget", "ours.itb", "/configurations/conf-1/signature-1", "hashed-nodes",
                cwd=bench).stdout.decode().split()
    assert "/images/ramdisk-1" in nodes and "/images/ramdisk-1/hash-1" in nodes
    assert "sha256,rsa2048:rsa2048" in run("dumpimage", "-l", "ours.itb", cwd=bench).stdout.decode()


def test_environments_are_what_mkenvimage_writes(tmp_path):
    (tmp_path / "env.txt").write_text("# slots\nslot=A\nbootcount=0\nslot=B\n\nbootlimit=3\n")
    (tmp_path / "last.txt").write_text("bootcount=0\nslot=B\nbootlimit=3\n")
    for more, theirs in ([], []), (["--redundant"], ["-r"]), (["--erased-val", "0"], ["-p", "0"]):
        run("mkenvimage", "-s", "0x2000", *theirs, "-o", "theirs.bin", "last.txt", cwd=tmp_path)
        image(tmp_path, "convert", "--format", "uboot-env", "--env-size", 0x2000, *more, "-o",
              "ours.bin", "env.txt")
        assert (tmp_path / "ours.bin").read_bytes() == (tmp_path / "theirs.bin").read_bytes()
        more = [word for word in more if word == "--redundant"]
        image(tmp_path, "convert", "--format", "uboot-env", *more, "-o", "ours.txt", "ours.bin")
        assert (tmp_path / "ours.txt").read_text() == "bootcount=0\nslot=B\nbootlimit=3\n"
    image(tmp_path, "verify", "--format", "uboot-env", "--redundant", "ours.bin", status=4)


# --- payloads, external data, keys ----------------------------------------------------

ITS = """/dts-v1/; / { description = "random"; #address-cells = <1>;
 images { kernel-1 { data = /incbin/("a"); type = "kernel"; arch = "arm64"; os = "linux";
   compression = "none"; load = <0x44000000>; entry = <0x44000000>; hash-1 { algo = "sha256"; }; };
  fdt-1 { data = /incbin/("b"); type = "flat_dt"; arch = "arm64"; compression = "none"; }; };
 configurations { default = "conf-1"; conf-1 { kernel = "kernel-1"; fdt = "fdt-1"; }; }; };"""


@pytest.mark.parametrize("size", [0, 3, 4097, (4 << 20) + 1])
@pytest.mark.parametrize("form", [[], ["-E"], ["-E", "-p", "0x4000"], ["-E", "-B", "0x200"]])
def test_payloads_of_any_length_come_through(bench, size, form):
    (bench / "x.its").write_text(ITS)
    (bench / "a").write_bytes(os.urandom(size))
    (bench / "b").write_bytes(os.urandom(size % 1000 + 1))
    run("mkimage", *form, "-f", "x.its", "in.itb", cwd=bench)
    image(bench, "sign", "--format", "fit", "--key", "keys/ec256.pem", "--hint", "k", "-o",
          "out.itb", "in.itb")
    image(bench, "verify", "--format", "fit", "--key", "keys/ec256.pub", "out.itb")
    run("dumpimage", "-T", "flat_dt", "-p", "0", "-o", "back", "out.itb", cwd=bench)
    assert (bench / "back").read_bytes() == (bench / "a").read_bytes()
    if size > 100:
        data = bytearray((bench / "out.itb").read_bytes())
        data[data.index((bench / "a").read_bytes()[:64]) + size // 2] ^= 1
        (bench / "bad.itb").write_bytes(data)
        done = image(bench, "verify", "--format", "fit", "--key", "keys/ec256.pub", "--json",
                     "bad.itb", status=4)
        assert json.loads(done.stdout)["error"] == "HM-3205"


def test_a_signed_file_is_signed_again_only_when_told(bench):
    words = ["--format", "fit", "--key", "keys/rsa3072.key", "--hint", "prod", "-o", "out.itb",
             "rsa2048-pkcs1.itb"]
    assert b"HM-3210" in image(bench, "sign", *words, status=10).stderr
    assert not (bench / "out.itb").exists()
    image(bench, "resign", "--old-key", "keys/rsa2048.pub", *words)
    image(bench, "verify", "--format", "fit", "--key", "keys/rsa3072.pub", "out.itb")
    image(bench, "verify", "--format", "fit", "--key", "keys/rsa2048.pub", "out.itb", status=4)
    (bench / "out.itb").unlink()
    image(bench, "resign", "--old-key", "keys/rsa4096.pub", *words, status=4)
    assert not (bench / "out.itb").exists()


def test_a_tree_that_would_not_enforce_the_key_stops_the_signing(bench):
    words = ["--format", "fit", "--key", "keys/rsa2048.key", "--hint", "rsa2048", "-o", "out.itb",
             "unsigned.itb"]
    for control in "ctl/rsa2048-norequired.dtb", "ctl/rsa2048-other.dtb", "in/board.dtb":
        image(bench, "sign", "--control", control, *words, status=4)
        assert not (bench / "out.itb").exists()
    image(bench, "sign", "--control", "ctl/rsa2048-pss.dtb", "--padding", "pkcs1", *words)


def test_openssl_answers_a_request_for_all_configurations(bench):
    words = ["--format", "fit", "--key", "keys/rsa2048.pub", "--hint", "rsa2048", "--padding",
             "pkcs1"]
    image(bench, "request", *words, "-o", "r.json", "unsigned.itb")
    answers = []
    for i, item in enumerate(json.loads((bench / "r.json").read_text())["items"]):
        (bench / "digest").write_bytes(bytes.fromhex(item["digest"]))
        run("openssl", "pkeyutl", "-sign", "-inkey", "keys/rsa2048.key", "-in", "digest",
            "-pkeyopt", "digest:sha256", "-out", f"{i}.sig", cwd=bench)
        answers += ["--response", f"{i}.sig"]
    assert len(answers) == 4  # two configurations
    image(bench, "assemble", *words, "--request", "r.json", *answers, "-o", "far.itb",
          "unsigned.itb")
    words[3] = "keys/rsa2048.key"
    image(bench, "sign", *words, "-o", "near.itb", "unsigned.itb")
    assert (bench / "far.itb").read_bytes() == (bench / "near.itb").read_bytes()


@pytest.mark.parametrize("name,keys", [
    ("ecdsa256-head", ["ec256"]), ("ecdsa384-head", ["ec384"]), ("rsa2048-pss-head", ["rsa2048"]),
    ("rsa3072-pss-head", ["rsa3072"]), ("two-keys", ["rsa2048", "rsa3072"])])
def test_with_the_signatures_of_mkimage_it_is_the_file_of_mkimage(bench, name, keys):
    """ECDSA and PSS are random: its signatures are the response to our request."""
    run("mkimage", "-f", f"{name}.its", "unsigned.itb", cwd=bench)
    version = run("fdtget", f"{name}.itb", "/configurations/conf-1/signature-1", "signer-version",
                  cwd=bench).stdout.decode().strip()
    words = ["--format", "fit", "--fdt-size", (bench / f"{name}.itb").stat().st_size,
             "--signer-name", "mkimage", "--signer-version", version]
    for key in keys:
        words += ["--key", f"keys/{key}.pub", "--hint", key]
    image(bench, "request", *words, "-o", "r.json", "unsigned.itb")
    answers = []
    for conf in "conf-1", "conf-2":
        for i in range(len(keys)):
            node = f"/configurations/{conf}/signature-{i + 1}"
            value = run("fdtget", "-t", "bx", f"{name}.itb", node, "value", cwd=bench).stdout.split()
            to = bench / f"{conf}-{i}.sig"
            to.write_bytes(bytes(int(byte, 16) for byte in value))
            answers += ["--response", to.name]
    image(bench, "assemble", *words, "--request", "r.json", *answers, "-o", "ours.itb",
          "unsigned.itb")
    assert settled((bench / "ours.itb").read_bytes()) == settled(
        (bench / f"{name}.itb").read_bytes())


# --- U-Boot itself ---------------------------------------------------------------------

BOOT = """/dts-v1/; / { description = "boot"; #address-cells = <1>;
 images { kernel-1 { data = /incbin/("kernel.bin"); type = "kernel"; arch = "arm64"; os = "linux";
   compression = "none"; load = <0x44000000>; entry = <0x44000000>; hash-1 { algo = "sha256"; }; };
  fdt-1 { data = /incbin/("virt.dtb"); type = "flat_dt"; arch = "arm64"; compression = "none"; };
  ramdisk-1 { data = [01 02 03 04]; type = "ramdisk"; arch = "arm64"; os = "linux";
   compression = "none"; hash-1 { algo = "sha256"; }; }; };
 configurations { default = "conf-1"; conf-1 { kernel = "kernel-1"; fdt = "fdt-1"; };
  conf-2 { kernel = "kernel-1"; fdt = "fdt-1"; ramdisk = "ramdisk-1"; }; }; };"""
# As mkimage signs it if nobody tells it what: kernel and tree, not the ramdisk.
PART = BOOT.replace('ramdisk = "ramdisk-1"; };', """ramdisk = "ramdisk-1";
   signature-1 { algo = "sha256,rsa2048"; key-name-hint = "one"; };
   signature-2 { algo = "sha256,rsa4096"; key-name-hint = "two"; }; };""").replace(
       'arch = "arm64"; compression = "none"; };',
       'arch = "arm64"; compression = "none"; hash-1 { algo = "sha256"; }; };').replace(
           'default = "conf-1"; conf-1 { kernel = "kernel-1"; fdt = "fdt-1"; };',
           'default = "conf-2";')


def altered(folder, name, old, new):
    data = (folder / "good.itb").read_bytes()
    assert data.count(old) >= 1
    (folder / name).write_bytes(data.replace(old, new, 1))


def make_files(folder):
    """Files that U-Boot has to refuse, by the words that it then says."""
    run("mkimage", "-f", "boot.its", "plain.itb", cwd=folder)
    sign = ["sign", "--format", "fit", "--padding", "pkcs1"]
    keys = ["--key", "keys/rsa2048.key", "--hint", "one", "--key", "keys/rsa4096.key", "--hint",
            "two"]
    image(folder, *sign, *keys, "--control", "ctl.dtb", "-o", "good.itb", "plain.itb")
    image(folder, *sign, *keys[:4], "-o", "half.itb", "plain.itb")
    image(folder, *sign, "--key", "keys/rsa2048-other.key", "--hint", "one", *keys[4:], "-o",
          "foreign.itb", "plain.itb")
    for name in "key", "crt":
        shutil.copy(folder / f"keys/rsa2048.{name}", folder / f"one.{name}")
        shutil.copy(folder / f"keys/rsa4096.{name}", folder / f"two.{name}")
    (folder / "part.its").write_text(PART)
    run("mkimage", "-f", "part.its", "-k", ".", "part.itb", cwd=folder)
    altered(folder, "data.itb", b"HALLMARK-BOOTED", b"HALLMARK-FOOLED")
    altered(folder, "load.itb", bytes.fromhex("44000000"), bytes.fromhex("44001000"))
    altered(folder, "words.itb", b"boot\0", b"BOOT\0")
    signature = "Failed to verify required signature 'key-"
    return {"plain.itb": signature, "half.itb": signature + "two'",
            "foreign.itb": signature + "one'", "load.itb": signature, "words.itb": signature,
            "part.itb": signature,
            "data.itb": "Bad hash value for 'hash-1' hash node"}


@pytest.fixture
def machine(bench):
    """Files with our keys in the control tree, all at U-Boot's prompt."""
    uboot.own_tree(bench)
    (bench / "kernel.bin").write_bytes(uboot.KERNEL)
    (bench / "boot.its").write_text(BOOT)
    image(bench, "convert", "--format", "fit-control", "--key", "keys/rsa2048.pub", "--hint", "one",
          "--key", "keys/rsa4096.pub", "--hint", "two", "--required", "conf", "-o", "ctl.dtb",
          "virt.dtb")
    return bench


def test_u_boot_starts_what_we_sign_and_nothing_else(machine, monkeypatch):
    refused = make_files(machine)
    for name in refused:
        done = image(machine, "verify", "--format", "fit", "--control", "ctl.dtb", "--json", name,
                     status=4)
        assert json.loads(done.stdout)["boot_loader"] == "reject", name
    assert "older ones start it" in json.loads(image(
        machine, "verify", "--format", "fit", "--control", "ctl.dtb", "--json", "part.itb",
        status=4).stdout)["boot_loader_why"]
    monkeypatch.chdir(machine)
    boot = uboot.UBoot("ctl.dtb", [*refused, "good.itb"])
    try:
        for name, words in refused.items():
            said = boot.bootm(name)
            assert words in said and "Starting kernel" not in said, (name, said)
        said = boot.bootm("good.itb", "#conf-2")
        assert "sha256,rsa2048:one+" in said and "sha256,rsa4096:two+" in said, said
        assert "Starting kernel" in said and "HALLMARK-BOOTED" in said, said
    finally:
        boot.close()


# --- data behind the tree -------------------------------------------------------------

EXTERNAL = """/dts-v1/; / { description = "x"; #address-cells = <1>; images {
  k { description = "k"; data = /incbin/("k"); type = "kernel"; arch = "arm"; os = "linux"; compression = "none";
    load = <0>; entry = <0>; hash-1 { algo = "sha256"; }; };
  f { description = "f"; data = /incbin/("f"); type = "flat_dt"; arch = "arm"; compression = "none";
    hash-1 { algo = "crc32"; }; hash-2 { algo = "sha256"; }; }; };
 configurations { default = "c"; c { description = "c"; kernel = "k"; fdt = "f"; }; }; };
"""


@pytest.mark.parametrize("sizes", [(1001, 30), (4096, 1), (300003, 70000)])
def test_puts_data_behind_the_tree_as_mkimage_does(sizes, tmp_path):
    for name, size in zip("kf", sizes):
        (tmp_path / name).write_bytes(os.urandom(size))
    (tmp_path / "in.its").write_text(EXTERNAL)
    run("mkimage", "-f", "in.its", "inside.itb", cwd=tmp_path)
    run("mkimage", "-E", "-f", "in.its", "theirs.itb", cwd=tmp_path)
    image(tmp_path, "convert", "--format", "fit", "-o", "ours.itb", "inside.itb")
    ours, theirs = ((tmp_path / f"{name}.itb").read_bytes() for name in ("ours", "theirs"))
    assert settled(ours) == settled(theirs)
    done = image(tmp_path, "convert", "--format", "fit", "-o", "again.itb", "ours.itb", status=4)
    assert b"HM-3204" in done.stderr and not (tmp_path / "again.itb").exists()


def test_signatures_hold_when_data_move(tmp_path):
    (tmp_path / "k").write_bytes(os.urandom(5001))
    (tmp_path / "f").write_bytes(os.urandom(99))
    (tmp_path / "in.its").write_text(EXTERNAL)
    run("mkimage", "-f", "in.its", "in.itb", cwd=tmp_path)
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key.pem", cwd=tmp_path)
    image(tmp_path, "sign", "--format", "fit", "--key", "key.pem", "--hint", "dev", "--sign-images", "-o", "signed.itb",
          "in.itb")
    image(tmp_path, "convert", "--format", "fit", "-o", "moved.itb", "signed.itb")
    image(tmp_path, "verify", "--format", "fit", "--key", "key.pem", "moved.itb")
    data = bytearray((tmp_path / "moved.itb").read_bytes())
    data[-200] ^= 1
    (tmp_path / "moved.itb").write_bytes(data)
    image(tmp_path, "verify", "--format", "fit", "--key", "key.pem", "moved.itb", status=4)
