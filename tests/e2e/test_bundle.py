# SPDX-License-Identifier: Apache-2.0
"""Delivery bundles: Python opens ours and we open Python's; its archive is one for tar"""
import hashlib, io, os, struct, subprocess, tarfile

import cbor2
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

TOOL = os.environ["BUNDLE_TOOL"]
SEGMENT = 65536
CONTENT, RECIPIENT = cbor2.dumps({1: 3}), cbor2.dumps({1: -31})


def spki(key):
    return key.public_bytes(serialization.Encoding.DER,
                            serialization.PublicFormat.SubjectPublicKeyInfo)


def wrapping_key(own, other):
    context = cbor2.dumps([-5, [None] * 3, [None] * 3, [256, RECIPIENT]])
    return HKDF(hashes.SHA256(), 32, None, context).derive(own.exchange(ec.ECDH(), other))


def open_bundle(bundle, key):
    assert bundle[:8] == b"hmbundle"
    end = 12 + struct.unpack(">I", bundle[8:12])[0]
    head = cbor2.loads(bundle[12:end])
    assert head.tag == 96
    protected, unprotected, ciphertext, recipients = head.value
    assert (protected, unprotected, ciphertext) == (CONTENT, {}, None)
    kid = hashlib.sha256(spki(key.public_key())).digest()
    mine, = [r for r in recipients if r[1][4] == kid]
    assert mine[0] == RECIPIENT and mine[1][-1][1] == 2 and mine[1][-1][-1] == 1
    point = ec.EllipticCurvePublicNumbers(*(int.from_bytes(mine[1][-1][n], "big") for n in (-2, -3)),
                                          ec.SECP256R1()).public_key()
    content = AESGCM(aes_key_unwrap(wrapping_key(key, point), mine[2]))
    aad = cbor2.dumps(["Encrypt", CONTENT, hashlib.sha256(bundle[:end]).digest()])
    segments = [bundle[at:at + SEGMENT + 16] for at in range(end, len(bundle), SEGMENT + 16)]
    return b"".join(content.decrypt(struct.pack(">7xIB", n, n == len(segments) - 1), segment, aad)
                    for n, segment in enumerate(segments))


def seal_bundle(archive, keys):
    secret, recipients = os.urandom(32), []
    for key in keys:
        ephemeral = ec.generate_private_key(ec.SECP256R1())
        at = ephemeral.public_key().public_numbers()
        cose = {1: 2, -1: 1, -2: at.x.to_bytes(32, "big"), -3: at.y.to_bytes(32, "big")}
        recipients.append([RECIPIENT, {4: hashlib.sha256(spki(key)).digest(), -1: cose},
                           aes_key_wrap(wrapping_key(ephemeral, key), secret)])
    head = cbor2.dumps(cbor2.CBORTag(96, [CONTENT, {}, None, recipients]))
    start = b"hmbundle" + struct.pack(">I", len(head)) + head
    aad = cbor2.dumps(["Encrypt", CONTENT, hashlib.sha256(start).digest()])
    pieces = [archive[at:at + SEGMENT] for at in range(0, len(archive), SEGMENT)]
    return start + b"".join(
        AESGCM(secret).encrypt(struct.pack(">7xIB", n, n == len(pieces) - 1), piece, aad)
        for n, piece in enumerate(pieces))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    keys = []
    for name in ("one", "two"):
        key = ec.generate_private_key(ec.SECP256R1())
        keys.append(key)
        (folder / f"{name}.pub").write_bytes(key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        (folder / f"{name}.pem").write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
    return folder, keys


def tool(place, *words):
    return subprocess.run([TOOL, *words], cwd=place[0], capture_output=True, timeout=60)


@pytest.mark.parametrize("size", [0, 1, 65536 - 1536, 65536, 1000001])
def test_python_opens_ours(place, size):
    folder, keys = place
    content = os.urandom(size)
    (folder / "app.bin").write_bytes(content)
    (folder / "note.txt").write_bytes(b"take care")
    done = tool(place, "seal", "b.hmb", "one.pub", "two.pub", "--", "app.bin", "note.txt")
    assert done.returncode == 0, done.stderr
    bundle = (folder / "b.hmb").read_bytes()
    for key in keys:
        with tarfile.open(fileobj=io.BytesIO(open_bundle(bundle, key))) as archive:
            assert archive.getnames() == ["app.bin", "note.txt"]
            assert archive.extractfile("app.bin").read() == content
            assert archive.getmember("note.txt").mtime == 1767225600
    with pytest.raises(InvalidTag):
        open_bundle(bundle[:-1] + bytes([bundle[-1] ^ 1]), keys[0])


def test_tar_lists_ours(place):
    (place[0] / "app.bin").write_bytes(b"x" * 777)
    tool(place, "seal", "b.hmb", "one.pub", "--", "app.bin")
    assert tool(place, "open", "b.hmb", "one.pem", "b.tar").returncode == 0
    listed = subprocess.run(["tar", "-tvf", "b.tar"], cwd=place[0], capture_output=True, check=True)
    assert b"-rw-r--r-- 0/0" in listed.stdout and b"777" in listed.stdout


@pytest.mark.parametrize("size", [1024, 65536, 65537, 300000])
def test_we_open_pythons(place, size):
    folder, keys = place
    archive = os.urandom(size)
    (folder / "p.hmb").write_bytes(seal_bundle(archive, [key.public_key() for key in keys]))
    for name in ("one", "two"):
        done = tool(place, "open", "p.hmb", f"{name}.pem", "p.tar")
        assert done.returncode == 0, done.stderr
        assert (folder / "p.tar").read_bytes() == archive


def test_what_is_cut_off_or_for_others_leaves_nothing(place):
    folder, keys = place
    bundle = seal_bundle(os.urandom(200000), [keys[0].public_key()])
    for name, bad, error in (("one", bundle[:-3], b"3208"),
                             ("one", bundle[:len(bundle) - 3392 - 16], b"3202"),
                             ("two", bundle, b"3208")):
        (folder / "p.hmb").write_bytes(bad)
        done = tool(place, "open", "p.hmb", f"{name}.pem", "none.tar")
        assert done.returncode == 1 and done.stderr.startswith(error), done.stderr
        assert not (folder / "none.tar").exists()
