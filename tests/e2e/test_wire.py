# SPDX-License-Identifier: Apache-2.0
"""wire - the golden messages, read by python3-cbor2 and python3-cryptography

Neither of them is ours. The types below are docs/protocol.md's CDDL again, written by hand: what
a second implementation would make of it.
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

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/vectors/wire"
FILES = sorted(p.stem for p in GOLDEN.glob("*.cbor"))


def golden(name):
    return (GOLDEN / f"{name}.cbor").read_bytes()


def decode(name):
    return cbor2.loads(golden(name))


# ---- types, as in the CDDL

def bstr(least, most=None):
    most = least if most is None else most
    return lambda v: isinstance(v, bytes) and least <= len(v) <= most


def tstr(least, most):
    return lambda v: isinstance(v, str) and least <= len(v.encode()) <= most


def uint(most, least=0):
    return lambda v: type(v) is int and least <= v <= most


def one_of(*types):
    return lambda v: any(t(v) for t in types)


def array(item, least, most):
    return lambda v: isinstance(v, list) and least <= len(v) <= most and all(map(item, v))


def row(*items):
    return lambda v: isinstance(v, list) and len(v) == len(items) and all(
        t(x) for t, x in zip(items, v))


def fields(**types):
    """{ 1: ..., 2: ... }: exactly these keys."""
    want = {int(k[1:]): t for k, t in types.items()}
    return lambda v: isinstance(v, dict) and list(v) == list(want) and all(
        t(v[k]) for k, t in want.items())


def message(**types):
    return fields(_0=lambda v: v == 1, **types)


def null(v):
    return v is None


def boolean(v):
    return isinstance(v, bool)


def name(v):
    return isinstance(v, str) and re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,31}", v) is not None


def point(v):
    return bstr(65)(v) and v[0] == 4


def serial(v):
    return tstr(1, 32)(v) and v.isascii() and v.isprintable()


U32, U64 = uint(2**32 - 1), uint(2**64 - 1)
digest = bstr(32)
scheme, lock, state = uint(2, 1), uint(2), uint(10)
mac = one_of(null, bstr(6))
receipt = tstr(1, 4096)

claims = fields(_1=bstr(32), _2=digest, _3=scheme, _4=bstr(91), _5=point, _6=digest, _7=U32,
                _8=lock)
stamp = message(_1=name, _2=digest, _3=digest, _4=digest, _5=digest, _6=U32, _7=serial, _8=mac,
                _9=bstr(1, 8192), _10=array(bstr(1, 8192), 0, 2), _11=point, _12=bstr(16, 4096),
                _13=one_of(null, bstr(1, 1024)), _14=U64, _15=tstr(1, 128))
secret = row(tstr(1, 32), uint(6, 1), bstr(0, 1024))
spec = row(tstr(1, 32), uint(6, 1), uint(1024), bstr(0, 1024))
problem = message(_1=uint(9999, 1001), _2=one_of(null, bstr(8)))
info = message(_1=digest, _2=uint(3), _3=scheme, _4=digest, _5=one_of(uint(0), uint(9999, 1001)))
product = fields(_1=name, _2=U32, _3=scheme, _4=uint(3, 1), _5=array(point, 0, 16),
                 _6=one_of(null, digest), _7=lock, _8=boolean, _9=tstr(1, 64), _10=bstr(1, 32),
                 _11=array(spec, 0, 8), _12=one_of(null, bstr(1, 1024)), _13=one_of(null, digest))
order = fields(_1=name, _2=digest, _3=digest, _4=uint(2, 1), _5=uint(2**32 - 1, 1), _6=U32,
               _7=tstr(0, 16), _8=U64, _9=uint(12, 1), _10=mac, _11=array(name, 1, 64), _12=U64,
               _13=U64, _14=U32)


def sign1(v):
    return isinstance(v, cbor2.CBORTag) and v.tag == 18 and row(
        one_of(bstr(3), bstr(13)), lambda x: x == {}, bstr(0, 49152), bstr(64))(v.value)


def kind(number, body):
    return message(_1=lambda v: v == number, _2=U64, _3=body)


TYPES = {
    "challenge-request": message(_1=name),
    "challenge": message(_1=name, _2=bstr(32), _3=digest),
    "claims": claims,
    "claims-imx-mp": claims,
    "proof-soft": fields(_1=point, _2=bstr(64)),
    "proof-imx-mp": fields(_1=bstr(64), _2=bstr(32), _3=bstr(64)),
    "evidence": message(_1=bstr(1, 320), _2=bstr(1, 3072), _3=bstr(64)),
    "issue-request": message(_1=name, _2=name, _3=bstr(1, 4096)),
    "issue-answer": message(_1=bstr(1, 16384), _2=bstr(1, 65535), _3=receipt),
    "stamp": stamp,
    "stamp-bare": stamp,
    "secrets": array(secret, 0, 8),
    "seal-aad": row(lambda v: v == "hallmark-secrets-v1", digest, serial),
    "conformance": message(_1=digest, _2=digest, _3=digest, _4=U32, _5=lock),
    "sign1": sign1,
    "sign1-kid": sign1,
    "confirm-request": message(_1=name, _2=bstr(1, 512)),
    "confirm-answer": message(_1=bstr(1, 65535), _2=receipt),
    "void": message(_1=name, _2=digest, _3=tstr(1, 200), _4=U64),
    "problem": problem,
    "problem-bare": problem,
    "info": info,
    "link-hello": row(lambda v: v == 1, null),
    "link-info": row(lambda v: v == 2, lambda v: info(cbor2.loads(v))),
    "object-product": kind(1, product),
    "object-product-soft": kind(1, product),
    "object-release": kind(2, fields(_1=name, _2=name, _3=uint(2, 1), _4=U32, _5=digest, _6=U64)),
    "object-order": kind(3, order),
    "object-credential": kind(4, fields(_1=name, _2=uint(3, 1), _3=point, _4=tstr(0, 32), _5=U64)),
    "object-enrolment": kind(5, fields(_1=name, _2=bstr(32, 32 * 1024))),
    "object-command": kind(6, fields(_1=uint(8, 1), _2=tstr(1, 64), _3=tstr(1, 200),
                                     _4=bstr(16))),
    "entry-genesis": kind(1, fields(_1=tstr(1, 128), _2=point, _3=point, _4=digest)),
    "entry-object": kind(2, lambda v: sign1(cbor2.loads(v))),
    "entry-reserve": kind(3, fields(_1=name, _2=name, _3=digest)),
    "entry-issue": kind(4, fields(_1=name, _2=name, _3=serial, _4=digest, _5=mac, _6=digest,
                                  _7=digest, _8=digest, _9=digest, _10=digest, _11=digest,
                                  _12=digest)),
    "entry-confirm": kind(5, fields(_1=name, _2=name, _3=digest, _4=digest, _5=digest, _6=lock)),
    "entry-void": kind(6, fields(_1=name, _2=name, _3=digest, _4=bstr(1, 512), _5=boolean)),
    "entry-state": kind(7, fields(_1=digest, _2=state, _3=state, _4=one_of(null, digest))),
    "entry-timeout": kind(7, fields(_1=digest, _2=state, _3=state, _4=null)),
    "entry-crl": kind(8, fields(_1=U64, _2=U32, _3=digest)),
    "entry-alarm": kind(9, fields(_1=uint(9999, 1001), _2=name, _3=name, _4=digest, _5=digest)),
}


def test_every_golden_file_has_a_type_and_every_type_a_file():
    assert FILES == sorted(TYPES)


@pytest.mark.parametrize("file", FILES)
def test_is_deterministic_cbor(file):
    assert cbor2.dumps(decode(file), canonical=True) == golden(file)


@pytest.mark.parametrize("file", FILES)
def test_has_the_fields_and_types_of_the_cddl(file):
    assert TYPES[file](decode(file))


@pytest.mark.parametrize("file", FILES)
def test_a_type_refuses_another_message(file):
    assert not TYPES[file](cbor2.loads(b"\xa2\x00\x02\x01\x00"))


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
    examples = dict(hex_blocks((ROOT / "docs/protocol.md").read_text()))
    assert examples
    for file, data in examples.items():
        assert data == (GOLDEN / file).read_bytes()


def test_the_maxima_of_the_document_are_those_of_the_code():
    limits = {}
    for header in (ROOT / "src/wire").glob("*.h"):
        for m in re.finditer(r"^#define (HM_\w+_MAX) (\d+)\b", header.read_text(), re.M):
            limits[m[1]] = int(m[2])
    document = (ROOT / "docs/protocol.md").read_text()
    rows = {m[1]: int(m[2].replace(",", ""))
            for m in re.finditer(r"^\| `(HM_\w+_MAX)` \| ([\d,]+) \|", document, re.M)}
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
