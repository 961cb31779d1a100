# SPDX-License-Identifier: Apache-2.0
"""Our cryptography beside python3-cryptography, cbor2 and published vectors.

HPKE is written here again from RFC 9180, COSE_Sign1 from RFC 9052; nothing of ours is on this side.
Run: CRYPTO_TOOL=build/tests/e2e/tools/crypto_tool pytest tests/e2e/test_crypto.py
"""
import hashlib, hmac, json, os, pathlib, subprocess
import cbor2, pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TOOL = os.environ.get("CRYPTO_TOOL", "build/tests/e2e/tools/crypto_tool")
ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("SHARED_VECTORS", ROOT.parent / "shared" / "vectors"))
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CURVE, SHA = ec.SECP256R1(), hashes.SHA256()
PREHASHED = ec.ECDSA(utils.Prehashed(SHA))
BAD_INPUT, KEY, SIGNATURE, OPEN = "HM-5201", "HM-4303", "HM-4304", "HM-4305"


class Tool:
    """Our side: a verb and values; the values of the answer, or the error's id."""

    def __init__(self):
        self.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, verb, *values):
        self.process.stdin.write(" ".join([verb] + [bytes(v).hex() or "-" for v in values]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().strip()
        assert line, "no answer to " + verb
        if line.startswith("HM-"):
            return line
        return [b"" if word == "-" else bytes.fromhex(word) for word in line.split()]

    def close(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


@pytest.fixture(scope="module")
def tool():
    tool = Tool()
    yield tool
    tool.close()


def vectors(path):
    if not path.exists():
        pytest.skip("no " + path.name + " here")
    return json.loads(path.read_text())["vectors"]


def scalar_of(key):
    return key.private_numbers().private_value.to_bytes(32, "big")


def point_of(key):
    return key.public_key().public_bytes(serialization.Encoding.X962,
                                         serialization.PublicFormat.UncompressedPoint)


def key_of(point):
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)


def der_of(signature):
    half = len(signature) // 2
    return utils.encode_dss_signature(int.from_bytes(signature[:half], "big"),
                                      int.from_bytes(signature[half:], "big"))


# ---- HPKE, RFC 9180: base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 ----

KEM = b"KEM\x00\x10"


def extract(suite, salt, label, ikm):
    return hmac.new(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256").digest()


def expand(suite, prk, label, info, length):
    labeled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    out, block, i = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + labeled + bytes([i]), "sha256").digest()
        out, i = out + block, i + 1
    return out[:length]


def context(aead, dh, enc, recipient, info):
    """AEAD key and nonce of sequence number 0."""
    shared = expand(KEM, extract(KEM, b"", b"eae_prk", dh), b"shared_secret", enc + recipient, 32)
    suite = b"HPKE\x00\x10\x00\x01" + aead.to_bytes(2, "big")
    schedule = b"\0" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    secret = extract(suite, shared, b"secret", b"")
    return (AESGCM(expand(suite, secret, b"key", schedule, {1: 16, 2: 32}[aead])),
            expand(suite, secret, b"base_nonce", schedule, 12))


def hpke_open(aead, key, enc, info, aad, cipher):
    dh = key.exchange(ec.ECDH(), key_of(enc))
    gcm, nonce = context(aead, dh, enc, point_of(key), info)
    return gcm.decrypt(nonce, cipher, aad)


def hpke_seal(aead, recipient, info, aad, plain):
    key = ec.generate_private_key(CURVE)
    enc = point_of(key)
    gcm, nonce = context(aead, key.exchange(ec.ECDH(), key_of(recipient)), enc, recipient, info)
    return enc, gcm.encrypt(nonce, plain, aad)


SIZES = [0, 1, 15, 16, 17, 255, 4080]


@pytest.mark.parametrize("aead", [1, 2])
@pytest.mark.parametrize("size", SIZES)
def test_python_opens_what_we_seal(tool, aead, size):
    key, plain = ec.generate_private_key(CURVE), os.urandom(size)
    enc, cipher = tool("seal", [aead], point_of(key), b"info", b"aad", plain)
    assert hpke_open(aead, key, enc, b"info", b"aad", cipher) == plain
    with pytest.raises(InvalidTag):
        hpke_open(aead, key, enc, b"info", b"other", cipher)


@pytest.mark.parametrize("aead", [1, 2])
@pytest.mark.parametrize("size", SIZES)
def test_we_open_what_python_seals(tool, aead, size):
    key, plain = ec.generate_private_key(CURVE), os.urandom(size)
    enc, cipher = hpke_seal(aead, point_of(key), b"info", b"aad", plain)
    assert tool("open", [aead], scalar_of(key), enc, b"info", b"aad", cipher) == [plain]
    assert tool("open", [aead], scalar_of(key), enc, b"other", b"aad", cipher) == OPEN
    assert tool("open", [3 - aead], scalar_of(key), enc, b"info", b"aad", cipher) == OPEN


def test_hpke_vectors_of_the_rfc(tool):
    """Mode base on P-256, and every vector that must be refused there."""
    used = 0
    for v in vectors(SHARED / "hpke" / "hpke.json"):
        if (v["kem_id"], v["mode"]) != (16, 0) or v["aead_id"] not in (1, 2):
            continue
        h = lambda name: bytes.fromhex(v[name])
        used += 1
        if v["expect"] == "accept":
            e = {k: bytes.fromhex(x) for k, x in v["encryptions"][0].items()}
            aead = [v["aead_id"]]
            assert tool("seal-with", aead, h("skEm"), h("pkRm"), h("info"), e["aad"],
                        e["plaintext"]) == [h("enc"), e["ciphertext"]]
            assert tool("open", aead, h("skRm"), h("enc"), h("info"), e["aad"],
                        e["ciphertext"]) == [e["plaintext"]]
            continue
        said = tool("open", [v["aead_id"]], h("skRm"), h("enc"), h("info"), h("aad"), h("ciphertext"))
        assert said == (KEY if "-enc-" in v["id"] else OPEN), v["id"]
    assert used >= 7


# ---- ECDSA, ECDH, Ed25519, HKDF, PEM ----

def test_signatures_go_both_ways(tool):
    for i in range(20):
        key, digest = ec.generate_private_key(CURVE), os.urandom(32)
        point, signature, der = tool("sign", scalar_of(key), digest)
        assert point == point_of(key) and der == der_of(signature)
        key.public_key().verify(der, digest, PREHASHED)
        theirs = key.sign(digest, PREHASHED)
        assert tool("verify", point, digest, theirs) == [b""]
        r, s = utils.decode_dss_signature(theirs)
        assert tool("verify", point, digest, utils.encode_dss_signature(r, ORDER - s)) == [b""]
        assert tool("verify", point, digest, utils.encode_dss_signature(r, s + ORDER)) in (SIGNATURE, BAD_INPUT)
        assert tool("verify", point, digest, utils.encode_dss_signature(0, s)) == SIGNATURE
        assert tool("verify", point, digest, utils.encode_dss_signature(r, ORDER)) == SIGNATURE
        assert tool("verify", point, os.urandom(32), theirs) == SIGNATURE


def test_p384_signatures_of_python_verify(tool):
    key, digest = ec.generate_private_key(ec.SECP384R1()), os.urandom(48)
    theirs = key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA384())))
    assert tool("verify", point_of(key), digest, theirs) == [b""]
    assert tool("verify", point_of(key), os.urandom(48), theirs) == SIGNATURE


def test_agreement_is_pythons(tool):
    for i in range(20):
        ours, theirs = ec.generate_private_key(CURVE), ec.generate_private_key(CURVE)
        assert tool("agree", scalar_of(ours), point_of(theirs)) == [theirs.exchange(ec.ECDH(), ours.public_key())]


def test_ed25519_and_hkdf_are_pythons(tool):
    for size in (0, 1, 100, 3000):
        seed, message = os.urandom(32), os.urandom(size)
        key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        assert tool("ed25519-sign", seed, message)[1] == key.sign(message)
    for length in (1, 31, 32, 33, 64, 255):
        salt, ikm, info = os.urandom(length), os.urandom(40), os.urandom(10)
        assert tool("hkdf", salt, ikm, info, [length]) == [HKDF(SHA, length, salt, info).derive(ikm)]


def test_python_reads_our_key_files(tool):
    for i in range(20):
        scalar, pem, sec1, public = tool("generate")
        key = serialization.load_pem_private_key(pem, None)
        assert scalar_of(key) == scalar
        assert scalar_of(serialization.load_der_private_key(sec1, None)) == scalar
        assert serialization.load_pem_public_key(public).public_numbers() == key.public_key().public_numbers()


def test_we_read_pythons_key_files(tool):
    key = ec.generate_private_key(CURVE)
    plain, pem = serialization.NoEncryption(), serialization.Encoding.PEM
    for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
        assert tool("read-pem", key.private_bytes(pem, form, plain)) == [scalar_of(key)]
    locked = serialization.BestAvailableEncryption(b"x")
    assert tool("read-pem", key.private_bytes(pem, serialization.PrivateFormat.PKCS8, locked)) == KEY
    other = ec.generate_private_key(ec.SECP256K1())
    assert tool("read-pem", other.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)) == KEY


# ---- COSE_Sign1 ----

def sig_structure(protected, aad, payload):
    return cbor2.dumps(["Signature1", protected, aad, payload])


@pytest.mark.parametrize("size", [0, 23, 24, 255, 256, 20000])
@pytest.mark.parametrize("with_kid", [False, True])
def test_python_verifies_our_sign1(tool, size, with_kid):
    key, payload = ec.generate_private_key(CURVE), os.urandom(size)
    spki = key.public_key().public_bytes(serialization.Encoding.DER,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)
    kid = hashlib.sha256(spki).digest()[:8]
    assert tool("kid", point_of(key)) == [kid]
    message, = tool("sign1-make", scalar_of(key), kid if with_kid else b"", b"purpose", payload)
    tag = cbor2.loads(message)
    assert tag.tag == 18 and cbor2.dumps(tag, canonical=True) == message
    protected, unprotected, inside, signature = tag.value
    assert cbor2.loads(protected) == ({1: -7, 4: kid} if with_kid else {1: -7})
    assert unprotected == {} and inside == payload and len(signature) == 64
    key.public_key().verify(der_of(signature), sig_structure(protected, b"purpose", payload), ec.ECDSA(SHA))


def make_sign1(key, protected, unprotected, aad, payload, tag=18):
    """As anybody may make it; ours has one form only."""
    head = cbor2.dumps(protected) if isinstance(protected, dict) else protected
    r, s = utils.decode_dss_signature(key.sign(sig_structure(head, aad, payload), ec.ECDSA(SHA)))
    value = [head, unprotected, payload, r.to_bytes(32, "big") + s.to_bytes(32, "big")]
    return cbor2.dumps(cbor2.CBORTag(tag, value) if tag else value)


def test_we_open_pythons_sign1_in_our_one_form_only(tool):
    key = ec.generate_private_key(CURVE)
    point = point_of(key)
    good = make_sign1(key, {1: -7}, {}, b"purpose", b"payload")
    assert tool("sign1-open", point, b"purpose", good) == [b"payload"]
    assert tool("sign1-open", point, b"other", good) == SIGNATURE
    assert tool("sign1-open", point[:1] + point[33:] + point[1:33], b"purpose", good) == KEY
    assert tool("sign1-open", point, b"purpose", make_sign1(key, {1: -7, 4: b"12345678"}, {}, b"purpose", b"p")) == [b"p"]
    for other in (make_sign1(key, {}, {1: -7}, b"purpose", b"payload"),  # algorithm unprotected
                  make_sign1(key, b"", {1: -7}, b"purpose", b"payload"),
                  make_sign1(key, {1: -35}, {}, b"purpose", b"payload"),  # another algorithm
                  make_sign1(key, {1: -7}, {4: b"12345678"}, b"purpose", b"payload"),  # key id unprotected
                  make_sign1(key, {1: -7, 4: b"1234567"}, {}, b"purpose", b"payload"),
                  make_sign1(key, {1: -7, 2: [4]}, {}, b"purpose", b"payload"),  # crit
                  make_sign1(key, {1: -7}, {}, b"purpose", b"payload", tag=None),
                  make_sign1(key, {1: -7}, {}, b"purpose", b"payload", tag=98),
                  good + b"\0", good[:-1]):
        assert tool("sign1-open", point, b"purpose", other) == BAD_INPUT


def test_cose_examples_are_refused_but_for_our_one_form(tool):
    """One of the published examples has our form. The others have a key id unprotected, another algorithm or
    another type; put into our form, the valid ones of ES256 verify as well."""
    taken, again = [], 0
    for v in vectors(SHARED / "cose" / "cose-examples.json"):
        point, aad = b"\x04" + bytes.fromhex(v.get("key_xy", "")), bytes.fromhex(v.get("external_aad", ""))
        if len(point) != 65:
            point = b"\x04" + bytes(64)
        said = tool("sign1-open", point, aad, bytes.fromhex(v["cose"]))
        if isinstance(said, list):
            taken.append(v["id"])
        if v["kind"] != "sign0" or v["expect"] != "accept" or v["alg"] != -7:
            assert said == BAD_INPUT, v["id"]
            continue
        protected, _, payload, signature = cbor2.loads(bytes.fromhex(v["cose"])).value
        ours = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))
        if cbor2.loads(protected) == {1: -7}:
            assert tool("sign1-open", point, aad, ours) == [payload], v["id"]
            assert tool("sign1-open", point, aad + b"x", ours) == SIGNATURE, v["id"]
            again += 1
    assert taken == ["cose-cwt-a_3"] and again >= 2


# ---- i.MX manufacturing protection ----

def check_imx_mp(tool, v):
    h = lambda name: bytes.fromhex(v[name])
    if "messages" in v:  # the same r twice: each is right, uniqueness refuses the second
        pairs = zip(v["messages"], v["c_r"], v["d_s"])
        assert len(set(v["c_r"])) == 1
        for message, r, s in pairs:
            assert tool("imx-mp", h("mpmr"), bytes.fromhex(message), h("pub_xy"), bytes.fromhex(r + s)) == [b""]
        return
    said = tool("imx-mp", h("mpmr"), h("message"), h("pub_xy"), h("c_r") + h("d_s"))
    if v["expect"] == "accept":
        assert said == [b""], v["id"]
        policy = bytes.fromhex(v["policy"]["mpmr"])
        wrong = bytes([policy[0] ^ 1]) + policy[1:]
        assert tool("imx-mp", wrong, h("message"), h("pub_xy"), h("c_r") + h("d_s")) == SIGNATURE
    elif v["id"].endswith("-stale"):  # a right signature over an old nonce
        assert said == [b""]
    else:
        assert said in (SIGNATURE, KEY, BAD_INPUT), v["id"]


def test_imx_mp_vectors_made_for_this_project(tool):
    found = vectors(ROOT / "tests" / "vectors" / "roots-of-trust" / "imx-mp.json")
    assert len(found) >= 5
    for v in found:
        check_imx_mp(tool, v)


def test_imx_mp_vectors_of_real_hardware(tool):
    """NXP's sample, and what was altered in it."""
    for v in vectors(SHARED / "roots-of-trust" / "imx-mp.json"):
        if v.get("scheme_variant") != "pkek":
            check_imx_mp(tool, v)
