# SPDX-License-Identifier: Apache-2.0
"""counterpart - the protocol once more, from docs/protocol.md alone

Nothing of ours is in here: CBOR is cbor2, signatures, certificates and AES-GCM are
python3-cryptography, HPKE, Merkle trees, notes and frames are written out below.
Device is a whole device (it can lie), Slot the station's end of a device link, Ledger a
reader of the server's files.
"""
import base64, contextlib, hashlib, hmac, os, re, socket, subprocess, zlib

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CURVE = ec.SECP256R1()
SOFT, IMX_MP = 1, 2
HELLO, INFO, CHALLENGE, EVIDENCE, STAMP, CONFORMANCE, RECEIPT, DONE, PROBLEM = range(1, 10)
STATES = ("new reserved issued confirmed active held rework scrapped rma revoked "
          "returned").split()
GENESIS, OBJECT, RESERVE, ISSUE, CONFIRM, VOID, STATE, CRL, ALARM, SUCCESSION = range(1, 11)


# --- bytes ----------------------------------------------------------------------

def cbor(value):
    return cbor2.dumps(value, canonical=True)


def sha256(data):
    return hashlib.sha256(data).digest()


def point_of(key):
    return key.public_bytes(serialization.Encoding.X962,
                            serialization.PublicFormat.UncompressedPoint)


def spki_of(key):
    return key.public_bytes(serialization.Encoding.DER,
                            serialization.PublicFormat.SubjectPublicKeyInfo)


def key_of(point):
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)


def new_key():
    return ec.generate_private_key(CURVE)


def flip(data, at=0):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


# --- signatures -----------------------------------------------------------------

def verify(point, signature, message):
    """Raises InvalidSignature."""
    der = utils.encode_dss_signature(int.from_bytes(signature[:32], "big"),
                                     int.from_bytes(signature[32:], "big"))
    key_of(point).verify(der, message, ec.ECDSA(hashes.SHA256()))


def sign(key, message):
    r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def kid_of(key):
    """The id of a key: the first 8 bytes of the SHA-256 of its SubjectPublicKeyInfo."""
    return sha256(key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))[:8]


def sign1(key, aad, payload, kid=None):
    protected = cbor({1: -7} if kid is None else {1: -7, 4: kid})
    message = cbor(["Signature1", protected, aad, payload])
    return cbor(cbor2.CBORTag(18, [protected, {}, payload, sign(key, message)]))


def open1(point, aad, message):
    """The payload of a COSE_Sign1 that `point` signed for the purpose `aad`."""
    tag = cbor2.loads(message)
    assert tag.tag == 18 and cbor(tag) == message
    protected, unprotected, payload, signature = tag.value
    header = cbor2.loads(protected)
    assert header.pop(1) == -7 and unprotected == {}
    if header:
        assert header == {4: sha256(spki_of(key_of(point)))[:8]}
    verify(point, signature, cbor(["Signature1", protected, aad, payload]))
    value = cbor2.loads(payload)
    assert cbor(value) == payload
    return value


# --- HPKE base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM ---------

def _mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def _extract(suite, salt, label, ikm):
    return _mac(salt or bytes(32), b"HPKE-v1" + suite + label + ikm)


def _expand(suite, prk, label, info, length):
    return _mac(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
                + b"\1")[:length]


def _hpke(exchanged, enc, recipient, info):
    """The AEAD and its nonce: RFC 9180, sections 4.1 and 5.1."""
    kem, suite = b"KEM\x00\x10", b"HPKE\x00\x10\x00\x01\x00\x01"
    prk = _extract(kem, b"", b"eae_prk", exchanged)
    shared = _expand(kem, prk, b"shared_secret", enc + recipient, 32)
    context = b"\0" + _extract(suite, b"", b"psk_id_hash", b"") \
        + _extract(suite, b"", b"info_hash", info)
    secret = _extract(suite, shared, b"secret", b"")
    return (AESGCM(_expand(suite, secret, b"key", context, 16)),
            _expand(suite, secret, b"base_nonce", context, 12))


def hpke_open(key, enc, info, aad, sealed):
    aead, nonce = _hpke(key.exchange(ec.ECDH(), key_of(enc)), enc,
                        point_of(key.public_key()), info)
    return aead.decrypt(nonce, sealed, aad)


def hpke_seal(recipient, info, aad, plain):
    """What the owner of the point `recipient` opens: its encapsulated key, and what is sealed."""
    ephemeral = new_key()
    enc = point_of(ephemeral.public_key())
    aead, nonce = _hpke(ephemeral.exchange(ec.ECDH(), key_of(recipient)), enc, recipient, info)
    return enc, aead.encrypt(nonce, plain, aad)


# --- a device -------------------------------------------------------------------

class Device:
    """A device with keys of its own. Whoever wants it to lie changes its fields."""

    def __init__(self, scheme=SOFT, release=bytes(32), counter=1, lock=1, mpmr=bytes(32)):
        self.scheme, self.release, self.counter, self.lock = scheme, release, counter, lock
        self.mpmr, self.id = mpmr, os.urandom(32)
        self.evidence_key, self.identity, self.kem = new_key(), new_key(), new_key()

    def clone(self):
        """Its id, but no key of it."""
        other = Device(self.scheme, self.release, self.counter, self.lock, self.mpmr)
        other.id = self.id
        return other

    def claims(self, nonce):
        return {1: nonce, 2: self.id, 3: self.scheme, 4: spki_of(self.identity.public_key()),
                5: point_of(self.kem.public_key()), 6: self.release, 7: self.counter,
                8: self.lock}

    def prove(self, binding):
        point = point_of(self.evidence_key.public_key())
        if self.scheme == SOFT:
            return {1: point, 2: sign(self.evidence_key, binding)}
        message = self.mpmr + b"hallmark-imx-mp-v1" + binding
        return {1: point[1:], 2: self.mpmr, 3: sign(self.evidence_key, message)}

    def evidence(self, challenge, alter_claims=None, alter_proof=None, poss=None):
        """Evidence for a challenge. The alterations happen after everything was signed,
        and then the proof of possession is made again: the identity key is the liar's."""
        self.order = cbor2.loads(challenge)[1]
        claims = self.claims(cbor2.loads(challenge)[2])
        self.binding = sha256(b"hallmark-binding-v1" + cbor(claims))
        proof = self.prove(self.binding)
        if alter_claims:
            claims.update(alter_claims)
        if alter_proof:
            proof.update(alter_proof)
        signed = b"hallmark-possession-v1" + cbor(claims) + cbor(proof)
        return cbor({0: 1, 1: cbor(claims), 2: cbor(proof),
                     3: poss or sign(self.identity, signed)})

    def take(self, stamp, stamp_key):
        """Verify a stamp as a device does; its content, and the secrets opened."""
        self.stamp = stamp
        content = open1(stamp_key, b"hallmark-stamp-v1", stamp)
        assert content[1] == self.order and content[2] == self.id
        assert content[3] == self.binding
        info = b"hallmark-seal-v1" + self.order.encode() + b"\0" + self.id + self.binding
        aad = cbor(["hallmark-secrets-v1", self.id, content[7]])
        plain = hpke_open(self.kem, content[11], info, aad, content[12])
        secrets = cbor2.loads(plain)
        assert cbor(secrets) == plain
        return content, {name: (kind, value) for name, kind, value in secrets}

    def conformance(self, **alter):
        said = {0: 1, 1: self.id, 2: sha256(self.stamp), 3: self.release, 4: self.counter,
                5: self.lock}
        said.update({int(k[1:]): v for k, v in alter.items()})
        return sign1(self.identity, b"hallmark-conformance-v1", cbor(said))


# --- Merkle trees and notes (RFC 6962, C2SP) --------------------------------------

def leaf_hash(entry):
    return sha256(b"\0" + entry)


def tree_hash(leaves):
    """Of leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + tree_hash(leaves[:k]) + tree_hash(leaves[k:]))


def root_from_proof(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    assert index < size
    fn, sn, r = index, size - 1, leaf
    for p in path:
        assert sn != 0
        if fn & 1 or fn == sn:
            r = sha256(b"\1" + p + r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\1" + r + p)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return r


class Verifier:
    """A C2SP verifier key, Ed25519: name+hash+key."""

    def __init__(self, vkey):
        name, ident, key = vkey.strip().split("+", 2)
        raw = base64.b64decode(key)
        assert raw[0] == 1 and len(raw) == 33
        self.name, self.id = name, bytes.fromhex(ident)
        assert sha256(name.encode() + b"\n" + raw)[:4] == self.id
        self.key = ed25519.Ed25519PublicKey.from_public_bytes(raw[1:])

    def checkpoint(self, note):
        """(size, root) of a checkpoint that this key signed."""
        text, _, signatures = note.partition("\n\n")
        origin, size, root = text.split("\n")[:3]
        assert origin == self.name
        mine = [base64.b64decode(line.split(" ")[2]) for line in signatures.splitlines()
                if line.startswith(f"\u2014 {self.name} ")]
        assert len(mine) == 1 and mine[0][:4] == self.id
        self.key.verify(mine[0][4:], (text + "\n").encode())
        return int(size), base64.b64decode(root)

    def receipt(self, receipt, entry):
        """The index of an entry that this tlog-proof shows to be in the log."""
        head, _, rest = receipt.partition("\n\n")
        lines = head.split("\n")
        assert lines[0] == "c2sp.org/tlog-proof@v1"
        index = int(re.fullmatch(r"index (\d+)", lines[1])[1])
        path = [base64.b64decode(line) for line in lines[2:]]
        size, root = self.checkpoint(rest)
        assert root_from_proof(leaf_hash(entry), index, size, path) == root
        return index


class Ledger:
    """What stands in a server's folder, tiles recounted and the checkpoint verified."""

    def __init__(self, folder, verifier):
        with open(os.path.join(folder, "checkpoint"), encoding="utf-8") as file:
            size, root = verifier.checkpoint(file.read())
        self.raw = []
        while len(self.raw) < size:
            self.raw += self.tile(folder, len(self.raw) // 256, min(256, size - len(self.raw)))
        assert tree_hash([leaf_hash(e) for e in self.raw]) == root
        self.entries = [cbor2.loads(e) for e in self.raw]
        for entry, raw in zip(self.entries, self.raw):
            assert cbor(entry) == raw

    @staticmethod
    def tile(folder, number, width):
        digits = f"{number:03}"
        while len(digits) % 3:
            digits = "0" + digits
        parts = [digits[i:i + 3] for i in range(0, len(digits), 3)]
        path = "/".join(["x" + p for p in parts[:-1]] + parts[-1:])
        path = os.path.join(folder, "tile", "entries", path)
        with open(path if width == 256 else f"{path}.p/{width}", "rb") as file:
            data = file.read()
        entries, at = [], 0
        while at < len(data):
            length = int.from_bytes(data[at:at + 2], "big")
            entries.append(data[at + 2:at + 2 + length])
            at += 2 + length
        assert len(entries) == width
        return entries

    def of(self, kind):
        return [entry[3] for entry in self.entries if entry[1] == kind]


# --- the device link --------------------------------------------------------------

def cobs(data):
    out = bytearray()
    for block in data.split(b"\0"):
        while len(block) >= 254:
            out += b"\xff" + block[:254]
            block = block[254:]
        out += bytes([len(block) + 1]) + block
    return bytes(out)


def uncobs(data):
    out, at = bytearray(), 0
    while at < len(data):
        n = data[at]
        out += data[at + 1:at + n]
        at += n
        if n < 255 and at < len(data):
            out.append(0)
    return bytes(out)


def framed(message):
    """Its bytes as they go over the link."""
    return b"\0" + cobs(message + zlib.crc32(message).to_bytes(4, "big")) + b"\0"


def unframed(frame):
    """What stands between two zeros of the link; None: nothing, or it was disturbed."""
    data = uncobs(frame)
    if len(data) <= 4 or zlib.crc32(data[:-4]).to_bytes(4, "big") != data[-4:]:
        return None
    return cbor2.loads(data[:-4])


class Slot:
    """A slot played by us, and the hallmark-vdevice that is in it."""

    def __init__(self, path, timeout_s=30):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.path, self.timeout_s = path, timeout_s
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen(1)
        self.server.settimeout(timeout_s)

    def insert(self, vdevice, chip, *faults):
        self.process = subprocess.Popen(
            [vdevice, "run", "--dir", chip, "--link", "unix:" + self.path]
            + [word for fault in faults for word in ("--fault", fault)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pipe, _ = self.server.accept()
        self.pipe.settimeout(self.timeout_s)
        self.received = b""

    def ask(self, kind, body=None):
        self.say(cbor([kind, body]))
        return self.hear()

    def say(self, message):
        self.pipe.sendall(framed(message))

    def hear(self):
        while True:
            frame, zero, rest = self.received.partition(b"\0")
            if zero:
                self.received = rest
                if frame:
                    message = unframed(frame)
                    assert message, frame
                    return message
                continue
            got = self.pipe.recv(4096)
            assert got, "the device has gone"
            self.received += got

    def remove(self):
        self.pipe.close()
        self.process.wait(timeout=self.timeout_s)
        return self.process.returncode

    def close(self):
        self.server.close()
        os.unlink(self.path)
