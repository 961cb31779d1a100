# SPDX-License-Identifier: Apache-2.0
"""What a device says to images: every vector, and what `hallmark image` makes"""
import json, os, pathlib, subprocess

import pytest
from cryptography.hazmat.primitives import serialization

BUILD = pathlib.Path(os.environ["BUILD"])
HALLMARK = BUILD / "src/cmd/hallmark"
ANY, ONE = BUILD / "tests/e2e/tools/device_image", BUILD / "tests/e2e/tools/device_image_p256"
SMALL = BUILD / "tests/e2e/tools/device_image_small"
VECTORS = pathlib.Path(__file__).parents[1] / "vectors/images/mcuboot"
MANIFEST = json.loads((VECTORS / "manifest.json").read_text())
ROWS = [row for row in MANIFEST["vectors"] if not row["file"].endswith(".hex")]
# first words of the manifest's rule: the error of an update
RULES = [("header magic", 3201), ("shorter than a header", 3202), ("unprot area beyond", 3202),
         ("file ends before", 3202), ("data after", 3203), ("image hash", 3205), ("DER", 3206),
         ("signature without key", 3204), ("signature type", 3211), ("signature", 3206),
         ("unknown key", 3207), ("no signature", 3207), ("ECIES", 3208), ("OAEP", 3208),
         ("key wrap", 3208), ("", 3204)]
# Where the device has another reason, or comes to it sooner: id: (in the slot, as an update).
ELSEWHERE = {
    "p256-protected.flip-flags": (3204, 3204),          # a flag that it does not know
    "p256-protected.flip-hash": (3205, 3206),           # announced: only the signature covers it
    "p256-protected.flip-hdrsize": (3204, 3204),
    "p256-protected.imgsize-max": (3214, 3214),         # larger than the slot
    "p256-protected.protsize-max": (3214, 3202),
    "p256-protected.tlvtotal-max": (5202, 3202),
    "p256-protected.tlvtotal-0": (3204, 3204),
    "p256-protected.tlvtotal-4": (3204, 3203),          # the rest lies behind
    "p256-protected.flip-tlvtotal": (3204, 3203),
    "p256-protected.no-sig": (3204, 3204),              # its key stands there alone
    "p384.sha256-hash": (3206, 3206),                   # a P-256 image, then, by another key
    "ed25519-pure.no-flag": (3206, 3206),
}
# Never in a device: signatures of messages, wrapped keys but ECIES-P256, compression.
UNKNOWN = {"ed25519-pure": 3204, "p256-lzma2": 3204, "p256-nonbootable": 3204,
           "x25519": 3204, "oaep": 3204, "keywrap": 3204}
# What a slot holds behind an image's end is none of its business.
BEHIND = {"cut-64", "append-1", "append-3", "append-5", "append-100"}


def ask(tool, questions):
    lines = "".join(" ".join(map(str, q)) + "\n" for q in questions)
    run = subprocess.run([tool], input=lines, capture_output=True, text=True, timeout=250,
                         check=False)
    assert run.returncode == 0, run.stderr
    answers = [tuple(0 if w == "OK" else int(w.removeprefix("HM-")) for w in line.split())
               for line in run.stdout.splitlines()]
    assert len(answers) == len(questions)
    return answers


def public(path):
    key = serialization.load_pem_public_key(path.read_bytes())
    form = serialization.PublicFormat
    return key.public_bytes(serialization.Encoding.DER, form.PKCS1 if hasattr(key, "public_numbers")
                            and hasattr(key.public_numbers(), "n") else
                            form.SubjectPublicKeyInfo).hex()


def scalar(path):
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    return key.private_numbers().private_value.to_bytes(32, "big").hex()


def question(row, counter=0):
    opener = row.get("decrypt_key", "enc-p256")
    opener = opener if "p256" in opener else "enc-p256"
    return [VECTORS / row["file"], row.get("slot_size", 65536), counter,
            scalar(VECTORS / "keys" / f"{opener}.pem"),
            *(public(VECTORS / "keys" / f"{key}.pub.pem")
              for key in row.get("verify_keys", [row["verify_key"]]))]


def rule(row):
    why = row.get("why", "")
    return 0 if row["expect"] == "accept" else next(n for words, n in RULES if why.startswith(words))


def expected(row):
    """In the slot, and as an update."""
    name, last = row["id"], row["id"].rpartition(".")[2]
    error = rule(row)
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    unknown = next((n for word, n in UNKNOWN.items() if word in name), None)
    if unknown:
        return unknown, {"cut-1": 3202}.get(last, 3203 if last in BEHIND else unknown)
    if last == "cut-64":
        return 0, 5202
    if last in BEHIND:
        return (3205 if "ecies" in name else 0), 3203
    if last.startswith("cut-"):     # the slot reads erased from there on
        slot = {"cut-tlv": 5202, "cut-payload": 3204, "cut-header": 3204}.get(
            last, 3205 if "ecies" in name else 3206)
        return slot, 3204 if last == "cut-header" else 3202
    if last.startswith("flip-hash"):
        return 3205, 3206
    if name == "p256-ecies-clear":  # an update takes the flag at its word
        return 0, 3205
    if "ecies" in name and error in (0, 3205, 3206, 3208):
        return 3205, error          # nobody has decrypted it
    return error, error


def test_every_vector_gets_its_verdict():
    answers = ask(ANY, [question(row) for row in ROWS])
    wrong = [(row["id"], row.get("why"), "expected", expected(row), "said", answer)
             for row, answer in zip(ROWS, answers) if answer != expected(row)]
    assert not wrong, "\n".join(map(str, wrong))
    assert len(ROWS) == 240 and len(MANIFEST["vectors"]) == 242
    # An update is never taken that the strict verifier of the host refuses.
    for row, (_, update) in zip(ROWS, answers):
        assert row["expect"] == "accept" or update != 0, row["id"]
    assert sum(max(0, min(a)) == 0 for a in answers) >= 30


def test_a_product_of_one_scheme_that_needs_a_counter():
    answers = dict(zip((row["id"] for row in ROWS), ask(ONE, [question(row) for row in ROWS])))
    for row in ROWS:
        if any(kind in row["id"] for kind in ("p384", "rsa", "ed25519")):
            assert 0 not in answers[row["id"]], row["id"]
    for name in ("p384", "rsa2048", "rsa3072", "ed25519", "ed25519-sha512", "rsa3072-tfm"):
        assert answers[name] == (3211, 3211)
    for name in ("p256", "p256-fullkey", "p256-two-signers", "p256-dependency"):
        assert answers[name] == (3111, 3111)
    for name in ("p256-protected", "p256-counter", "p256-counter-auto"):
        assert answers[name] == (0, 0)
    row = next(row for row in ROWS if row["id"] == "p256-counter")
    value = next(int.from_bytes(bytes.fromhex(tlv["value"]), "little")
                 for tlv in row["tlvs"] if tlv["type"] == "0x50")
    assert ask(ONE, [question(row, value), question(row, value + 1)]) == [(0, 0), (3111, 3111)]


def test_the_small_verification_says_the_same():
    questions = [question(row) for row in ROWS]
    assert ask(SMALL, questions) == ask(ONE, questions)


KINDS = {"p256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
         "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
         "rsa2048": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
         "rsa3072": ["RSA", "-pkeyopt", "rsa_keygen_bits:3072"], "ed25519": ["ED25519"]}


def make_key(folder, kind):
    private, pub = folder / f"{kind}.pem", folder / f"{kind}.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", *KINDS[kind], "-out", private],
                   check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", pub], check=True)
    return private, pub


def sign(folder, key, *words, size=5000):
    (folder / "app.bin").write_bytes(bytes(i * 11 & 255 for i in range(size)))
    out = folder / "signed.bin"
    run = subprocess.run(
        [HALLMARK, "image", "sign", "--format", "mcuboot", "--key", key, "--image-version", "1.2.3+4",
         "--header-size", "0x200", "--pad-header", "--security-counter", "5", *words, "-o", out,
         folder / "app.bin"], capture_output=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr.decode()
    return out


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["hash", "full"])
def test_takes_what_hallmark_signs(tmp_path, kind, form):
    private, pub = make_key(tmp_path, kind)
    image = sign(tmp_path, private, "--public-key-format", form)
    asked = [image, 65536, 5, "-", public(pub)]
    assert ask(ANY, [asked]) == [(0, 0)]
    assert ask(ANY, [[image, 65536, 6, "-", public(pub)]]) == [(3111, 3111)]
    other = make_key(tmp_path, kind)[1]     # another of that kind, in its place
    assert ask(ANY, [[image, 65536, 5, "-", public(other)]]) == [(3207, 3207)]
    data = bytearray(image.read_bytes())
    data[700] ^= 1
    image.write_bytes(data)
    assert ask(ANY, [asked])[0][0] == 3205


def test_takes_what_hallmark_encrypts_and_only_for_its_key(tmp_path):
    private, pub = make_key(tmp_path, "p256")
    (tmp_path / "device").mkdir()
    device, device_pub = make_key(tmp_path / "device", "p256")
    for bits in ("128", "256"):
        image = sign(tmp_path, private, "--encrypt-key", device_pub, "--encrypt-keylen", bits)
        assert ask(ONE, [[image, 65536, 5, scalar(device), public(pub)]]) == [(3205, 0)]
        assert ask(ONE, [[image, 65536, 5, scalar(private), public(pub)]]) == [(3205, 3208)]
        clear = tmp_path / "clear.bin"      # as it stands in a slot
        subprocess.run([HALLMARK, "image", "decrypt", "--format", "mcuboot", "--key", pub,
                        "--decrypt-key", device, "-o", clear, image], check=True, timeout=60)
        assert ask(ONE, [[clear, 65536, 5, "-", public(pub)]])[0][0] == 0


@pytest.mark.parametrize("role, error", [("0x5a", 0), ("0x66", 3302), ("0x99", 3302), ("0x00", 3302)])
def test_roles_as_hallmark_writes_them(tmp_path, role, error):
    private, pub = make_key(tmp_path, "p256")
    image = sign(tmp_path, private, "--custom-tlv", f"0x48a0={role}")
    assert ask(ONE, [[image, 65536, 5, "-", public(pub)]]) == [(error, error)]
