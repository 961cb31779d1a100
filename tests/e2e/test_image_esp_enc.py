# SPDX-License-Identifier: Apache-2.0
"""Images for pre-encrypted OTA: every vector, and python3-cryptography on the other side"""
import json, os, pathlib, struct, subprocess

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from line import HALLMARK

ROOT = pathlib.Path(__file__).parents[2]
VECTORS = ROOT / "tests/vectors/images/esp-encrypted-img"
UPSTREAM = ROOT.parent / "shared/vectors/images/esp-encrypted-img/upstream"
MANIFEST = json.loads((VECTORS / "manifest.json").read_text())
# What our verifier names, by the manifest's reason.
ERRORS = {"magic": "HM-3201", "reserved bytes": "HM-3204", "key": "HM-3208", "tag": "HM-3208",
          "point not on the curve": "HM-3208", "size": ("HM-3202", "HM-3203")}


def image(*words):
    return subprocess.run([HALLMARK, "image", *map(str, words)], capture_output=True, timeout=60)


def key_of(vector):
    return VECTORS / MANIFEST["keys"][vector["key"]]["file"]


@pytest.mark.parametrize("vector", MANIFEST["vectors"], ids=lambda v: v["id"])
def test_vectors(vector, tmp_path):
    file = VECTORS / vector["file"]
    done = image("verify", "--format", "esp-encrypted-img", "--decrypt-key", key_of(vector), "--json",
                 file)
    found = json.loads(done.stdout)
    assert found["verdict"] == vector["expect"], found
    opened = image("decrypt", "--format", "esp-encrypted-img", "--decrypt-key", key_of(vector), "-o",
                   tmp_path / "plain", file)
    if vector["expect"] == "accept":
        assert done.returncode == 0 and opened.returncode == 0
        assert (tmp_path / "plain").read_bytes() == (VECTORS / vector["payload"]).read_bytes()
        assert image("inspect", file).returncode == 0
    else:
        assert done.returncode == 4 and opened.returncode == 4
        assert found["error"] in ERRORS[vector["why"]], found
        assert not (tmp_path / "plain").exists()


def test_all_vectors_are_there():
    assert len(MANIFEST["vectors"]) == 28


def test_the_devices_key_comes_of_its_hmac_key(tmp_path):
    """--decrypt-key with 32 bytes: what the eFuse holds"""
    (tmp_path / "hmac").write_bytes(bytes.fromhex(MANIFEST["keys"]["ecc"]["hmac_key"]))
    done = image("decrypt", "--format", "esp-encrypted-img", "--decrypt-key", tmp_path / "hmac", "-o",
                 tmp_path / "plain", VECTORS / "ecc.bin")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "plain").read_bytes() == (VECTORS / "payloads/ecc.bin").read_bytes()


def open_image(file, key):
    header, body = file[:512], file[512:]
    assert header[:4] == struct.pack("<I", 0x0788B6CF) and header[424:] == bytes(88)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + header[4:68])
        secret = HKDF(hashes.SHA256(), 32, header[68:100], b"_esp_enc_img_ecc").derive(
            key.exchange(ec.ECDH(), point))
        assert header[100:388] == bytes(288)
    else:
        secret = key.decrypt(header[4:388], padding.PKCS1v15())
    assert struct.unpack("<I", header[404:408]) == (len(body),)
    cipher = Cipher(algorithms.AES(secret), modes.GCM(header[388:404], header[408:424])).decryptor()
    return cipher.update(body) + cipher.finalize()


@pytest.mark.parametrize("name", ["rsa", "ecc"])
@pytest.mark.parametrize("size", [1, 16, 65536, 65537, 1000003])
def test_python_opens_ours(name, size, tmp_path):
    content = os.urandom(size)
    (tmp_path / "app").write_bytes(content)
    public = VECTORS / f"keys/{name}.pub.pem"
    made = image("encrypt", "--format", "esp-encrypted-img", "--encrypt-key", public, "-o",
                 tmp_path / "app.enc", tmp_path / "app")
    assert made.returncode == 0, made.stderr
    key = serialization.load_pem_private_key((VECTORS / f"keys/{name}.pem").read_bytes(), None)
    assert open_image((tmp_path / "app.enc").read_bytes(), key) == content


def test_two_of_one_image_have_nothing_in_common(tmp_path):
    (tmp_path / "app").write_bytes(bytes(4096))
    seen = set()
    for n in range(3):
        image("encrypt", "--format", "esp-encrypted-img", "--encrypt-key", VECTORS / "keys/ecc.pub.pem",
              "-o", tmp_path / str(n), tmp_path / "app")
        file = (tmp_path / str(n)).read_bytes()
        seen |= {file[4:68], file[68:100], file[388:404], file[512:]}
    assert len(seen) == 12


def test_refuses_other_keys_and_no_content(tmp_path):
    (tmp_path / "app").write_bytes(b"")
    done = image("encrypt", "--format", "esp-encrypted-img", "--encrypt-key",
                 VECTORS / "keys/ecc.pub.pem", "-o", tmp_path / "x", tmp_path / "app")
    assert done.returncode == 10 and b"HM-3209" in done.stderr
    (tmp_path / "app").write_bytes(b"x")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", tmp_path / "ed.pem"],
                   check=True, capture_output=True)
    done = image("encrypt", "--format", "esp-encrypted-img", "--encrypt-key", tmp_path / "ed.pem", "-o",
                 tmp_path / "x", tmp_path / "app")
    assert done.returncode == 4 and b"RSA-3072 or P-256" in done.stderr
    assert not (tmp_path / "x").exists()


def test_espressifs_own(tmp_path):
    """Public test data of Espressif, where it is at hand"""
    if not UPSTREAM.exists():
        return
    done = image("verify", "--decrypt-key", UPSTREAM / "test_rsa_private_key.pem", "--json",
                 UPSTREAM / "image.bin")
    assert json.loads(done.stdout)["verdict"] == "accept"
    told = json.loads((UPSTREAM / "upstream.json").read_text())["expect"][1]
    key = ec.derive_private_key(int(told["device_scalar"], 16), ec.SECP256R1())
    (tmp_path / "device.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    done = image("decrypt", "--format", "esp-encrypted-img", "--decrypt-key", tmp_path / "device.pem",
                 "-o", tmp_path / "plain", UPSTREAM / told["file"])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "plain").read_text() == told["plaintext"]
