# SPDX-License-Identifier: Apache-2.0
"""wire - the golden messages, read by python3-cbor2 and python3-cryptography

Neither of them is ours. Each message is held against the CDDL of docs/protocol.md.
"""
import binascii
import hashlib
import json
import pathlib
import re

import cbor2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from cddl import Cddl

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/vectors/wire"
FILES = sorted(p.stem for p in GOLDEN.glob("*.cbor"))


def golden(name):
    return (GOLDEN / f"{name}.cbor").read_bytes()


def decode(name):
    return cbor2.loads(golden(name))


# ---- the CDDL of the document

DOCUMENT = (ROOT / "docs/protocol.md").read_text()
CDDL = Cddl(re.search(r"```cddl\n(.*?)```", DOCUMENT, re.S)[1])
RULES = {
    "claims-imx-mp": "claims",
    "stamp-bare": "stamp",
    "sign1-kid": "sign1",
    "confirm-answer": "entry-answer",
    "problem-bare": "problem",
    "link-hello": "link-bare",
    "link-info": "link-full",
    "link-deliver": "link-full",
    "update-status": "update-bare",
    "object-product-soft": "product-object",
    "object-release-promoted": "release-object",
    "entry-timeout": "state-entry",
}


def rule(file):
    """object-order is order-object, entry-issue is issue-entry, the others have their own name."""
    family = re.fullmatch(r"(object|entry)-(\w+)", file)
    return RULES.get(file) or (f"{family[2]}-{family[1]}" if family else file)


def test_every_message_of_the_document_has_a_golden_file():
    """Messages are what no other rule stands on, and the members of the families."""
    families = {"object", "entry", "link", "update-ask", "update-answer"}
    members = {r for r in CDDL.rules if re.search(r"-(object|entry)$", r)}
    tops = set(CDDL.rules) - CDDL.used - families
    assert members | tops <= {rule(file) for file in FILES}


@pytest.mark.parametrize("file", FILES)
def test_is_deterministic_cbor(file):
    assert cbor2.dumps(decode(file), canonical=True) == golden(file)


@pytest.mark.parametrize("file", FILES)
def test_is_what_the_cddl_says(file):
    assert CDDL.rules[rule(file)](decode(file))


def spoilt(value):
    """The value with one part of it made wrong, in every place."""
    if isinstance(value, dict):
        for key in value:
            yield {k: v for k, v in value.items() if k != key}
            for worse in spoilt(value[key]):
                yield {**value, key: worse}
        yield {**value, 99: 0}
    elif isinstance(value, list):
        yield value + [object()]
        for i, item in enumerate(value):
            for worse in spoilt(item):
                yield value[:i] + [worse] + value[i + 1:]
    else:
        yield object()


@pytest.mark.parametrize("file", FILES)
def test_the_cddl_refuses_whatever_is_spoilt(file):
    for worse in spoilt(decode(file)):
        assert not CDDL.rules[rule(file)](worse)


# ---- signatures

def key_of(private):
    return ec.derive_private_key(private, ec.SECP256R1()).public_key()


def point_of(key):
    return key.public_bytes(serialization.Encoding.X962,
                            serialization.PublicFormat.UncompressedPoint)


def verify(key, signature, signed):
    der = utils.encode_dss_signature(int.from_bytes(signature[:32], "big"),
                                     int.from_bytes(signature[32:], "big"))
    key.verify(der, signed, ec.ECDSA(hashes.SHA256()))


def binding(claims_bytes):
    return hashlib.sha256(b"hallmark-binding-v1" + claims_bytes).digest()


def test_the_spki_of_the_claims_is_the_identity_key():
    spki = serialization.load_der_public_key(decode("claims")[4])
    assert point_of(spki) == point_of(key_of(1))


def test_evidence_carries_claims_proof_and_possession():
    evidence = decode("evidence")
    assert evidence[1] == golden("claims")
    assert evidence[2] == golden("proof-soft")
    verify(key_of(1), evidence[3], b"hallmark-possession-v1" + evidence[1] + evidence[2])
    with pytest.raises(InvalidSignature):
        verify(key_of(1), evidence[3], b"hallmark-possession-v2" + evidence[1] + evidence[2])


def test_soft_evidence_signs_the_binding():
    proof = decode("proof-soft")
    assert proof[1] == point_of(key_of(2))
    verify(key_of(2), proof[2], binding(golden("claims")))


def test_imx_mp_evidence_signs_mpmr_label_and_binding():
    proof = decode("proof-imx-mp")
    assert b"\x04" + proof[1] == point_of(key_of(2))
    verify(key_of(2), proof[3],
           proof[2] + b"hallmark-imx-mp-v1" + binding(golden("claims-imx-mp")))


@pytest.mark.parametrize("file, header", [
    ("sign1", {1: -7}),
    ("sign1-kid", {1: -7, 4: hashlib.sha256(decode("claims")[4]).digest()[:8]}),
])
def test_sign1_is_a_cose_message_of_rfc_9052(file, header):
    protected, unprotected, payload, signature = decode(file).value
    assert cbor2.loads(protected) == header
    assert unprotected == {}
    assert payload == golden("conformance")
    structure = ["Signature1", protected, b"hallmark-conformance-v1", payload]
    verify(key_of(1), signature, cbor2.dumps(structure, canonical=True))
    with pytest.raises(InvalidSignature):
        structure[2] = b"hallmark-stamp-v1"
        verify(key_of(1), signature, cbor2.dumps(structure, canonical=True))


def test_the_stamp_names_the_binding_of_the_claims():
    assert decode("stamp")[3] == binding(golden("claims"))
    assert decode("stamp")[2] == decode("claims")[2] == decode("seal-aad")[1]


# ---- vectors and documents that must not drift apart

def test_the_unit_test_has_the_rows_of_the_shared_vectors():
    vectors = json.loads((ROOT / "tests/vectors/cose/cbor-decoder.json").read_text())["vectors"]
    source = (ROOT / "tests/unit/core/test_cbor.c").read_text()
    rows = {m[1]: (m[2] == "true", bytes.fromhex(m[3].replace("\\x", "")))
            for m in re.finditer(r'\{\s*"(cbor-[\w-]+)",\s*(true|false),\s*HM_LITERAL\(\s*"((?:\\x..)*)"\)',
                                 source)}
    assert rows == {v["id"]: (v["expect"] == "accept", bytes.fromhex(v["cbor"])) for v in vectors}


def hex_blocks(text):
    """Hex dumps of docs/protocol.md: lines of hex, a comment after two blanks."""
    for block in re.findall(r"```hex (\S+)\n(.*?)```", text, re.S):
        yield block[0], bytes.fromhex("".join(
            line.split("#")[0].replace(" ", "") for line in block[1].splitlines()))


def test_the_examples_of_the_document_are_golden():
    examples = dict(hex_blocks(DOCUMENT))
    assert examples
    for file, data in examples.items():
        assert data == (GOLDEN / file).read_bytes()


def test_the_maxima_of_the_document_are_those_of_the_code():
    limits = {}
    for header in (ROOT / "src/wire").glob("*.h"):
        for m in re.finditer(r"^#define (HM_\w+_MAX) (\d+)\b", header.read_text(), re.M):
            limits[m[1]] = int(m[2])
    rows = {m[1]: int(m[2].replace(",", ""))
            for m in re.finditer(r"^\| `(HM_\w+_MAX)` \| ([\d,]+) \|", DOCUMENT, re.M)}
    assert rows
    assert rows == {k: limits.get(k) for k in rows}
    assert {"HM_STAMP_MAX", "HM_EVIDENCE_MAX", "HM_MESSAGE_MAX", "HM_LINK_MAX"} <= set(rows)


# ---- frames, by a second implementation

def cobs(data):
    """Cheshire and Baker; a full last block is not followed by an empty one."""
    out, block = bytearray(), bytearray()
    pending = True
    for byte in data:
        pending = True
        if byte == 0:
            out += bytes([len(block) + 1]) + block
            block.clear()
        else:
            block.append(byte)
            if len(block) == 254:
                out += b"\xff" + block
                block.clear()
                pending = False
    if pending:
        out += bytes([len(block) + 1]) + block
    return bytes(out)


def frame(data):
    return b"\0" + cobs(data + binascii.crc32(data).to_bytes(4, "big")) + b"\0"


@pytest.mark.parametrize("file", sorted(p.stem for p in GOLDEN.glob("*.frame")))
def test_frames_are_cobs_and_crc(file):
    data = (GOLDEN / f"{file}.frame").read_bytes()
    message_bytes = (GOLDEN / f"{file}.cbor")
    if message_bytes.exists():
        assert data == frame(message_bytes.read_bytes())
    else:
        long = bytes(i % 255 + 1 for i in range(1000))
        assert data == frame({"nonzero-1000": long, "zeros-300": bytes(300),
                              "nonzero-250": long[:250]}[file])


def test_there_are_frames():
    assert len(list(GOLDEN.glob("*.frame"))) == 4
