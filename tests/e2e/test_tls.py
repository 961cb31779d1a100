# SPDX-License-Identifier: Apache-2.0
"""What TLS takes, as a table: every version, suite, group and algorithm that has a number

The numbers are walked, all 65,536 of each kind, with hellos composed byte by byte (hello.py)
and a TLS 1.3 of our own that presents whatever it likes (tls13.py). What was found must be the
tables of docs/tls.md to the letter. Then the rules of resumption, and every route
with every role.
"""
import contextlib, datetime, os, pathlib, re, ssl, subprocess

import cbor2, pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose, NameOID

import hello, tls13
from counterpart import cbor, new_key, sha256, sign1
from hello import P256, SSL3, TLS10, TLS11, TLS12, TLS13, X25519, offer, say
from line import DAY_S, Client, Factory, Refused, make_device, soft, until, utc

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/tls.md"
WHOAMI = b"GET /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n"
NOW = datetime.datetime.utcnow()
DAY = datetime.timedelta(days=1)


def dn(text):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test OEM"),
                      x509.NameAttribute(NameOID.COMMON_NAME, text)])


def der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


class Issuer:
    """A CA of ours that the server trusts, or does not."""

    def __init__(self, name, issuer=None, key=None):
        self.name, self.key = name, key or new_key()
        self.certificate = (issuer or self).issue(self.key, name, ca=True, purposes=None)

    def issue(self, key, name="X", days=(-1, 30), ca=False, purposes=(Purpose.CLIENT_AUTH,),
              usage="digital_signature", extra=None, digest=hashes.SHA256()):
        builder = x509.CertificateBuilder().subject_name(dn(name)) \
            .issuer_name(dn(self.name)).public_key(key.public_key()) \
            .serial_number(x509.random_serial_number()) \
            .not_valid_before(NOW + days[0] * DAY).not_valid_after(NOW + days[1] * DAY) \
            .add_extension(x509.BasicConstraints(ca, None), True)
        if purposes is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), False)
        if usage:
            usages = "digital_signature content_commitment key_encipherment data_encipherment " \
                "key_agreement key_cert_sign crl_sign encipher_only decipher_only".split()
            wanted = "key_cert_sign" if ca else usage
            builder = builder.add_extension(
                x509.KeyUsage(**{u: u == wanted for u in usages}), True)
        if extra:
            builder = builder.add_extension(
                x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.9"), extra),
                False)
        return builder.sign(self.key, digest)


class World:
    def __init__(self):
        self.factory = Factory(options="fronts: 1\n")  # a session is known to one front
        self.root = Issuer("Our Root")
        with open(self.factory.path("clients.pem"), "wb") as file:
            file.write(self.factory.read("line.pem")
                       + self.root.certificate.public_bytes(serialization.Encoding.PEM))
        text = self.factory.read("hallmarkd.yaml").decode()
        self.factory.write("hallmarkd.yaml", text.replace('client_ca: "line.pem"',
                                                          'client_ca: "clients.pem"'))
        self.factory.start(env=self.factory.at(0))
        self.factory.open_up()
        self.port = self.factory.port

    def chain(self, name):
        """A certificate of the factory, and its key."""
        return [der(x509.load_pem_x509_certificate(self.factory.read(name + ".pem")))], \
            self.factory.key(name)

    def client(self, name="BENCH", **given):
        chain, key = self.chain(name)
        return tls13.Client(self.port, chain, key, **given)


@pytest.fixture(scope="module")
def world():
    made = World()
    yield made
    made.factory.close()


# --- the tables of the document ---------------------------------------------------

class Table:
    """Rows of a table of the document, by their first cell."""

    def __init__(self, heading):
        section = DOCUMENT.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
        rows = [[cell.strip() for cell in line.strip("|").split("|")]
                for line in section.splitlines() if line.startswith("|")]
        self.rows = {row[0]: row[1:] for row in rows[2:]}


ALERTS = {10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow",
          40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate",
          44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
          47: "illegal_parameter", 48: "unknown_ca", 50: "decode_error", 51: "decrypt_error",
          70: "protocol_version", 80: "internal_error", 109: "missing_extension",
          112: "unrecognized_name", 116: "certificate_required",
          tls13.CLOSED: "closed"}


def words(said):
    """One of hello.Answer or an alert's number, as the document says it."""
    if isinstance(said, hello.Answer):
        if said.alert is None:
            return said.said
        said = said.alert
    return ALERTS[said]


def numbers(taken):
    return ", ".join(f"{n:04x}" for n in sorted(taken))


def walk(offers, every=range(65536), piece=16000):
    """Which of all numbers are taken, and what is said to the others: `offers` says what
    the server answers to a list of them. All others are offered together first; only what
    is taken so is looked for by halves."""
    taken, refusals = set(), set()

    def look(some):
        answer = offers(some)
        if answer.said != "taken":
            refusals.add(words(answer))
        elif len(some) == 1:
            taken.add(some[0])
        else:
            look(some[:len(some) // 2])
            look(some[len(some) // 2:])
    every = list(every)
    for at in range(0, len(every), piece):
        look(every[at:at + piece])
    assert len(refusals) == 1, refusals
    return numbers(taken) or "none", refusals.pop()


def versions(port):
    old = {"SSL 2.0": say(port, hello.hello_of_ssl2())}
    for name, number in (("SSL 3.0", SSL3), ("TLS 1.0", TLS10), ("TLS 1.1", TLS11),
                         ("TLS 1.2", TLS12)):
        old[name] = offer(port, number, tuple(range(1, 0x1000)) + (0xc009, 0xc02b), versions=None)
    return {name: words(answer) for name, answer in old.items()}


def found(world):
    port = world.port
    rows = {name: ["none", said] for name, said in versions(port).items()}
    rows["versions in a hello of TLS 1.3"] = walk(
        lambda some: offer(port, versions=some), piece=120)  # 127 fit a hello
    rows["cipher suites"] = walk(lambda some: offer(port, suites=some))
    rows["cipher suites in a hello of TLS 1.2"] = walk(
        lambda some: offer(port, suites=some, versions=None))
    rows["compressions"] = walk(
        lambda some: offer(port, compressions=bytes(some)), range(1, 256), piece=1)
    rows["groups, with a key share each"] = walk(
        lambda some: offer(port, groups=some, shares=some if len(some) == 1 else ()))
    rows["signatures of the server"] = walk(lambda some: offer(port, signatures=some))
    return rows


def test_numbers_that_are_taken(world):
    """The document's first table is what the server does, no row more and none less."""
    assert Table("Numbers").rows == {name: list(row) for name, row in found(world).items()}


# --- other parts of a hello -------------------------------------------------------

def with_extension(kind, data):
    return {**hello.extensions(), kind: data}


def without(kind):
    return {k: v for k, v in hello.extensions().items() if k != kind}


def sni(data):
    return hello.vector(b"\0" + hello.vector(data, 2), 2)


ODD_HELLOS = {
    "null compression": {},
    "another compression beside null": {"compressions": b"\1\0"},
    "another compression alone": {"compressions": b"\1"},
    "no compression": {"compressions": b""},
    "no cipher suite": {"suites": ()},
    "a session id of 32 bytes": {"session": bytes(32)},
    "a session id of 33 bytes": {"session": bytes(33)},
    "a name of the server that is none": {
        "given": with_extension(hello.SERVER_NAME, sni(b"\0../%n'\";\xff"))},
    "a name of 255 bytes": {"given": with_extension(hello.SERVER_NAME, sni(b"a" * 255))},
    "a name of 256 bytes": {"given": with_extension(hello.SERVER_NAME, sni(b"a" * 256))},
    "an empty list of names": {"given": with_extension(hello.SERVER_NAME, b"\0\0")},
    "ALPN: h2": {"given": with_extension(hello.ALPN, hello.vector(b"\2h2", 2))},
    "ALPN: an empty name": {"given": with_extension(hello.ALPN, hello.vector(b"\0", 2))},
    "an unknown extension of 30,000 bytes": {"given": with_extension(0x7777, bytes(30000))},
    "an extension twice": {"given": [*hello.extensions().items(),
                                     (hello.ALPN, hello.vector(b"\2h2", 2)),
                                     (hello.ALPN, hello.vector(b"\2h2", 2))]},
    "an early data extension without a session": {
        "given": with_extension(hello.EARLY_DATA, b"")},
    "a session that nobody has, PSK with key exchange": {
        "given": {**with_extension(hello.PSK_MODES, b"\1\1"), hello.PSK:
                  hello.vector(hello.vector(bytes(32), 2) + bytes(4), 2)
                  + hello.vector(hello.vector(bytes(32), 1), 2)}},
    "a session that nobody has, no modes": {
        "given": with_extension(hello.PSK, hello.vector(hello.vector(bytes(32), 2) + bytes(4), 2)
                                + hello.vector(hello.vector(bytes(32), 1), 2))},
    "an extension behind the PSK": {
        "given": {**with_extension(hello.PSK_MODES, b"\1\1"), hello.PSK:
                  hello.vector(hello.vector(bytes(32), 2) + bytes(4), 2)
                  + hello.vector(hello.vector(bytes(32), 1), 2), 0x7777: b""}},
    "no groups": {"given": without(hello.GROUPS)},
    "no signatures": {"given": without(hello.SIGNATURES)},
    "no key share": {"given": without(hello.KEY_SHARE)},
    "two shares of one group": {"shares": (X25519, X25519)},
    "a share of a group that was not offered": {"groups": (P256,), "shares": (X25519,)},
    "a share of X25519 of zeros": {"given": with_extension(
        hello.KEY_SHARE, hello.vector(hello.u16(X25519) + hello.vector(bytes(32), 2), 2))},
    "a share of P-256 off the curve": {"given": with_extension(
        hello.KEY_SHARE, hello.vector(hello.u16(P256)
                                      + hello.vector(b"\4" + b"\1" * 64, 2), 2))},
    "a cookie that nobody gave": {"given": with_extension(
        hello.COOKIE, hello.vector(bytes(32), 2))},
}


def odd_bytes():
    good = hello.hello()
    long = hello.hello(given=with_extension(0x7777, bytes(65000)))
    return {
        "a record of 2^14 + 1 bytes": hello.records(long, piece=16385),
        "an empty record": hello.records(good)[:3] + b"\0\0" + hello.records(good),
        "a hello with a byte behind it": hello.records(
            b"\1" + hello.vector(good[4:] + b"\0", 3)),
        "a hello of 131,397 bytes": hello.records(b"\1" + hello.vector(bytes(131397), 3)),
        "another message first": hello.records(b"\2" + good[1:]),
        "data first": hello.records(b"x", kind=23),
        "HTTP": WHOAMI,
        "a heartbeat": hello.records(b"\1\x40\0", kind=24),
    }


def test_hellos_that_are_odd(world):
    rows = {name: [words(offer(world.port, **given))] for name, given in ODD_HELLOS.items()}
    rows.update({name: [words(say(world.port, data))] for name, data in odd_bytes().items()})
    assert Table("Hellos").rows == rows
    with offered(world, hello.extensions()) as taken:
        assert taken.given.keys() == {hello.VERSIONS, hello.KEY_SHARE}


@contextlib.contextmanager
def offered(world, given):
    yield offer(world.port, given=given)


def test_what_is_asked_of_a_client(world):
    client = world.client().handshake()
    assert client.encrypted_extensions == b"\0\0"  # no ALPN, no early data
    asked = client.asked
    assert asked[0] == 0 and int.from_bytes(asked[1:3], "big") == len(asked) - 3
    assert asked[3:] == hello.u16(hello.SIGNATURES, 6, 4, 0x0403, 0x0503)
    assert Table("Handshake").rows["signatures asked of a client"] == ["0403, 0503"]
    client.close()


# --- certificates of clients ------------------------------------------------------

def refused_with(client):
    try:
        status, _ = client.request(WHOAMI)
        return str(status)
    except tls13.Alert as alert:
        return ALERTS[alert.number]
    finally:
        client.close()


def test_certificates_of_clients(world):
    rows = {}

    def case(name, chain, key, certificate=None, finish=None, **present):
        client = tls13.Client(world.port, chain, key)
        client.hear_server()
        if certificate:
            present["certificate"] = certificate
        client.present(**present)
        client.finish(**(finish or {}))
        rows[name] = [refused_with(client)]
    root, factory = world.root, world.factory
    good, key = world.chain("BENCH")
    case("a station's", good, key)
    case("none", [], None)
    other = Issuer("Test line CA", key=new_key())
    bench = x509.load_pem_x509_certificate(factory.read("BENCH.pem"))
    case("signed by itself", [der(Issuer("BENCH").certificate)], key)
    case("of another CA with our CA's name", [der(other.issue(key, "BENCH"))], key)
    case("the same, with that CA", [der(other.issue(key, "BENCH")),
                                    der(other.certificate)], key)
    flat = bytearray(good[0])
    flat[-1] ^= 1
    case("a station's, a bit of its signature flipped", [bytes(flat)], key)
    case("expired", [der(root.issue(key, days=(-9, -1)))], key)
    case("not yet valid", [der(root.issue(key, days=(1, 9)))], key)
    nobody = new_key()
    case("of our CA, of a key that nobody registered", [der(root.issue(nobody))], nobody)
    for name, given in (("purpose: server", {"purposes": (Purpose.SERVER_AUTH,)}),
                        ("purpose: any", {"purposes": (Purpose.ANY_EXTENDED_KEY_USAGE,)}),
                        ("no purpose", {"purposes": None}),
                        ("usage: key agreement only", {"usage": "key_agreement"}),
                        ("usage: CRL only", {"usage": "crl_sign"}),
                        ("a CA's", {"ca": True}),
                        ("signed with SHA-1", {"digest": hashes.SHA1()})):
        case(name, [der(root.issue(nobody, **given))], nobody)
    keys(world, case)
    chains(world, case)
    proofs(world, case)
    assert Table("Certificates of clients").rows == rows


def keys(world, case):
    """Other keys, each with a signature that would be right for it."""
    curve = ec.generate_private_key(ec.SECP384R1())
    case("key: P-384", [der(world.root.issue(curve))], curve, scheme=0x0503,
         digest=hashes.SHA384())
    other = rsa.generate_private_key(65537, 2048)
    case("key: RSA of 2048 bits", [der(world.root.issue(other))], None, scheme=0x0804,
         signer=lambda m: other.sign(m, padding.PSS(padding.MGF1(hashes.SHA256()), 32),
                                     hashes.SHA256()))
    edwards = ed25519.Ed25519PrivateKey.generate()
    case("key: Ed25519", [der(world.root.issue(edwards))], None, scheme=0x0807,
         signer=edwards.sign)


def chains(world, case):
    root, key = world.root, new_key()
    subs = [Issuer("Sub 0", root)]
    while len(subs) < 4:
        subs.append(Issuer(f"Sub {len(subs)}", subs[-1]))
    for count in 1, 2, 3:
        leaf = subs[count - 1].issue(key)
        case(f"{count} CAs between ours and it",
             [der(leaf)] + [der(s.certificate) for s in reversed(subs[:count])], key)
    case("a CA between, left out", [der(subs[0].issue(key))], key)
    no_ca = Issuer("X", key=key)
    no_ca.name = "Leaf"
    case("an issuer that is no CA", [der(no_ca.issue(new_key())), der(root.issue(key, "Leaf"))],
         key)
    leaf = der(root.issue(key))
    case("a foreign certificate behind it", [leaf, der(Issuer("Other").certificate)], key)
    case("8 of them", [leaf] + [der(Issuer("Other").certificate)] * 8, key)
    case("a certificate of 15,000 bytes", [der(root.issue(key, extra=bytes(15000)))], key)
    case("a certificate of 20,000 bytes", [der(root.issue(key, extra=bytes(20000)))], key)
    case("certificates of 16,384 bytes and more", [leaf] * (16384 // len(leaf) + 1), key)


def proofs(world, case):
    """The message, and the proof that its sender has the key."""
    good, key = world.chain("BENCH")
    build = tls13.certificate_message
    case("a byte behind the DER", [good[0] + b"\0"], key)
    case("a byte behind the message", good, key, build(good, extra=b"\0"))
    case("cut off in the middle", [good[0][:200]], key)
    case("an empty one", [b""], key)
    case("no DER at all", [bytes(400)], key)
    case("a context that nobody gave", good, key, build(good, context=b"x"))
    case("proven by another key", good, new_key())
    case("no proof", good, None)
    case("a proof with a bit flipped", good, key,
         spoil=lambda s: s[:-1] + bytes([s[-1] ^ 1]))
    case("a proof over other bytes", good, None, signer=lambda m: key.sign(
        m[:-1], ec.ECDSA(hashes.SHA256())))
    case("a proof with SHA-384", good, key, scheme=0x0503, digest=hashes.SHA384())
    case("a proof that says RSA", good, key, scheme=0x0804)
    case("an empty proof", good, key, spoil=lambda s: b"")
    case("a wrong MAC at the end", good, key, finish={"spoil": lambda m: bytes(32)})


# --- after the handshake ----------------------------------------------------------

def test_what_comes_behind_the_handshake(world):
    rows = {}
    client = world.client().handshake()
    client.request(WHOAMI)
    assert len(client.tickets) == 1  # one session, without early data
    ticket = client.tickets[0]
    assert ticket.lifetime_s == 3600 and ticket.extensions == b"" and len(ticket.ticket) == 32
    rows["sessions given for a handshake"] = [f"{len(client.tickets)}, for "
                                              f"{ticket.lifetime_s} s, no early data"]
    again = world.client(session=ticket.session).handshake()
    rows["the session"] = ["taken" if again.taken_psk else "not taken"]
    assert again.request(WHOAMI)[0] == 200
    early = world.client(session=again.tickets[0].session, early=WHOAMI).handshake()
    # An EncryptedExtensions without early_data: what was sent early is thrown away.
    assert early.taken_psk and early.encrypted_extensions == b"\0\0"
    answers = [early.request(WHOAMI)[0]]
    early.send(tls13.ALERT, b"\1\0")
    assert early.end() == tls13.CLOSED and early.data == b""
    rows["early data with a session"] = [f"thrown away, {len(answers)} answer to 2 requests"]
    for name, kind, data in (
            ("renegotiation: a hello", tls13.HANDSHAKE, hello.hello()),
            ("a certificate that nobody asked for", tls13.HANDSHAKE,
             tls13.certificate_message(client.chain)),
            ("a HelloRequest of TLS 1.2", tls13.HANDSHAKE, b"\0\0\0\0"),
            ("a change of cipher spec", 20, b"\1"),
            ("a heartbeat", 24, b"\1\x40\0"),
            ("a KeyUpdate of another form", tls13.HANDSHAKE,
             tls13.message(tls13.KEY_UPDATE, b"\2")),
            ("a record that was altered", None, b"")):
        fresh = world.client().handshake()
        fresh.request(WHOAMI)
        if kind is None:
            fresh.writing.count += 1
            fresh.send(tls13.DATA, WHOAMI)
        else:
            fresh.send(kind, data)
        rows[name] = [ALERTS[fresh.end()]]
        fresh.close()
    for _ in range(500):
        client.update_keys(ask=True)
    assert client.request(WHOAMI)[0] == 200
    rows["500 KeyUpdates"] = ["taken"]
    assert Table("Behind the handshake").rows == rows


def test_an_openssl_that_asks_for_a_renegotiation(world):
    """A counterpart that is not ours: it finds that there is none."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{world.port}", "-cert", "BENCH.pem",
         "-key", "BENCH.key", "-CAfile", "line.pem", "-partial_chain"], cwd=world.factory.dir,
        input=b"R\n", capture_output=True, timeout=60, check=False)
    assert b"Verify return code: 0 (ok)" in done.stdout
    assert b"Secure Renegotiation IS NOT supported" in done.stdout
    assert b"Early data was not sent" in done.stdout and b"Compression: NONE" in done.stdout
    assert b"wrong ssl version" in done.stderr


def test_gnutls_finds_what_the_table_says(world):
    """Another library's names: each protocol, suite and group alone."""
    table = Table("Numbers").rows
    suites = {"AES-128-GCM": "1301", "AES-256-GCM": "1302", "CHACHA20-POLY1305": "1303",
              "AES-128-CCM": "1304", "AES-128-CCM-8": "1305"}
    groups = {"X25519": "001d", "SECP256R1": "0017", "SECP384R1": "0018", "SECP521R1": "0019",
              "X448": "001e", "FFDHE2048": "0100"}

    def connects(priority):
        done = subprocess.run(
            ["gnutls-cli", "--no-ca-verification", "--x509certfile", "BENCH.pem",
             "--x509keyfile", "BENCH.key", "--priority", priority, "-p", str(world.port),
             "127.0.0.1"], cwd=world.factory.dir, input=WHOAMI, capture_output=True,
            timeout=60, check=False)
        return b"HTTP/1.1 200" in done.stdout
    assert connects("NORMAL")
    for version in "SSL3.0", "TLS1.0", "TLS1.1", "TLS1.2":
        assert not connects(f"LEGACY:-VERS-ALL:+VERS-{version}")
    for name, number in suites.items():
        taken = number in table["cipher suites"][0].split(", ")
        assert connects(f"NORMAL:-CIPHER-ALL:+{name}") == taken, name
    for name, number in groups.items():
        taken = number in table["groups, with a key share each"][0].split(", ")
        assert connects(f"NORMAL:-GROUP-ALL:+GROUP-{name}") == taken, name


# --- who was let in once ----------------------------------------------------------

def http(status, answer):
    """The error in an answer, or its status."""
    return cbor2.loads(answer)[1] if status >= 400 else status


def test_a_revoked_credential_goes_on_nowhere(world):
    """Not on its kept connection, not by its session, not by a new connection."""
    world.factory.station("GONE")
    kept = world.client("GONE").handshake()
    assert kept.request(WHOAMI)[0] == 200
    session = kept.tickets[0].session
    world.factory.planner("station", "revoke", "GONE", "--reason", "it left the line")
    resumed = world.client("GONE", session=session).handshake()
    assert resumed.taken_psk
    for client in kept, resumed, world.client("GONE").handshake():
        assert http(*client.request(WHOAMI)) == 6202
        client.close()


def test_an_expired_certificate_goes_on_nowhere(world):
    """A handshake looks at the dates; a kept connection and a session have none, so each
    request does."""
    factory = world.factory
    factory.make_certificate("SHORT", "station", days=1)
    factory.register("SHORT")
    kept = world.client("SHORT").handshake()
    assert kept.request(WHOAMI)[0] == 200
    session = kept.tickets[0].session
    for _ in range(5):  # each front knows it by now
        world.client("SHORT").handshake().close()
    expires = x509.load_pem_x509_certificate(factory.read("SHORT.pem")).not_valid_after
    now = datetime.datetime.utcnow()
    try:
        factory.at(int((expires - now).total_seconds()) - 30)
        assert kept.request(WHOAMI)[0] == 200
        factory.at(int((expires - now).total_seconds()) + 30)
        assert http(*kept.request(WHOAMI)) == 4302
        assert kept.end() == tls13.CLOSED
        resumed = world.client("SHORT", session=session).handshake()
        if resumed.taken_psk:
            assert http(*resumed.request(WHOAMI)) == 4302
        else:
            assert resumed.end() == 45
        for _ in range(5):
            fresh = world.client("SHORT").handshake()
            assert fresh.end() == 45  # certificate_expired
    finally:
        factory.at(0)


def test_a_credential_that_has_expired(world):
    """The authority said until when, whatever its certificate says."""
    factory = world.factory
    factory.make_certificate("BRIEF", "station")
    factory.planner("station", "create", "BRIEF", "--role", "station", "--certificate",
                    "BRIEF.pem", "--until", utc(1))
    kept = world.client("BRIEF").handshake()
    assert kept.request(WHOAMI)[0] == 200
    try:
        factory.at(DAY_S + 5)
        assert http(*kept.request(WHOAMI)) == 6103
    finally:
        factory.at(0)


# --- every route, every role ------------------------------------------------------

ROLES = ("station", "another", "planner", "auditor", "stranger", "revoked", "late")
FINE, NOT_MINE, NO_RIGHTS, UNKNOWN = 200, 6112, 6201, 6202
PLANS = {"station": NO_RIGHTS, "another": NO_RIGHTS, "planner": FINE, "auditor": NO_RIGHTS}
MAKES = {"station": FINE, "another": NOT_MINE, "planner": NO_RIGHTS, "auditor": NO_RIGHTS}
SEES = {"station": FINE, "another": NOT_MINE, "planner": FINE, "auditor": FINE}
READS = {"station": NO_RIGHTS, "another": NO_RIGHTS, "planner": FINE, "auditor": FINE}
ALL = {"station": FINE, "another": FINE, "planner": FINE, "auditor": FINE}
MAY = {
    "POST /v1/challenge": MAKES, "POST /v1/issue": MAKES, "POST /v1/confirm": MAKES,
    "POST /v1/void": MAKES, "POST /v1/object": PLANS, "GET /v1/whoami": ALL,
    "GET /v1/order/": SEES, "GET /v1/device/": SEES, "GET /v1/quarantine": READS,
    "GET /v1/release/": ALL, "GET /v1/manifest/": ALL, "GET /v1/crl": ALL,
    "GET /v1/growth": ALL, "GET /checkpoint": ALL, "GET /tile/": READS,
    "GET /healthz": {role: FINE for role in ROLES},
}


def routes():
    """Of the server's own table."""
    text = (ROOT / "src/server/front/routes.c").read_text()
    return {f"{method} {path}" for method, path in
            re.findall(r'\bNET_(GET|POST), "([^"]+)", ', text)}


def documented():
    text = (ROOT / "docs/protocol.md").read_text()
    return {re.sub(r"(NAME|ID|\.\.\.|\?from=N)$", "", found)
            for found in re.findall(r"^\| `((?:GET|POST) [^`]+)` \|", text, re.M)}


def test_the_routes_are_those_of_the_document():
    assert routes() == documented() == set(MAY)


@pytest.fixture(scope="module")
def people(world):
    factory = world.factory
    clients = {"station": factory.client("BENCH"), "another": factory.station("OTHER"),
               "planner": factory.client("planner"), "auditor": factory.client("auditor"),
               "revoked": factory.station("WAS")}
    factory.planner("station", "revoke", "WAS", "--reason", "it left the line")
    factory.make_certificate("unregistered", "station")
    clients["stranger"] = factory.client("unregistered")
    factory.make_certificate("LATE", "station")
    factory.planner("station", "create", "LATE", "--role", "station", "--certificate",
                    "LATE.pem", "--until", utc(seconds=2))

    def is_late():
        with contextlib.suppress(Refused):
            factory.client("LATE").get("/v1/whoami")
            return False
        return True
    until(is_late, "a credential expires")
    clients["late"] = factory.client("LATE")
    return clients


class Requests:
    """A request for each route that is right, but for who sends it."""

    def __init__(self, world, people, order):
        self.factory, self.order, self.bench = world.factory, order, people["station"]

    def device(self, steps):
        device = soft(self.factory)
        evidence = device.evidence(self.bench.challenge(self.order))
        if steps:
            device.take(cbor2.loads(self.bench.issue(self.order, evidence))[1],
                        self.factory.stamp_key)
        return device, evidence

    def rest(self, path):
        if path == "/v1/device/":
            return self.device(1)[0].id.hex()
        if path == "/tile/":  # the newest bundle that is published
            return "entries/000.p/" + self.bench.get("/checkpoint").split(b"\n")[1].decode()
        return {"/v1/order/": self.order, "/v1/growth": "?from=1", "/v1/release/": "soft/soft-1",
                "/v1/manifest/": "soft/soft-1"}.get(path, "")

    def of(self, route, role):
        method, path = route.split(" ")
        if method == "GET":
            return path + self.rest(path), None
        if path == "/v1/challenge":
            return path, cbor({0: 1, 1: self.order})
        if path == "/v1/issue":
            return path, cbor({0: 1, 1: self.order, 2: "A1", 3: self.device(0)[1]})
        if path == "/v1/confirm":
            return path, cbor({0: 1, 1: self.order, 2: self.device(1)[0].conformance()})
        if path == "/v1/void":
            name = {"station": "BENCH", "another": "OTHER", "stranger": "unregistered",
                    "revoked": "WAS", "late": "LATE"}.get(role, role)
            said = {0: 1, 1: self.order, 2: self.device(1)[0].id, 3: "a test", 4: 1}
            return path, sign1(self.factory.key(name), b"hallmark-void-v1", cbor(said))
        return path, self.factory.read("soft.cose")


@pytest.mark.parametrize("route", sorted(MAY))
def test_a_route_serves_the_roles_that_it_is_for(world, people, route):
    """And refuses all others, with nothing changed."""
    factory, planner = world.factory, people["planner"]
    order = factory.order("soft", "soft-1", quota=20)
    requests = Requests(world, people, order)
    for role in ROLES:
        wanted = MAY[route].get(role, 6103 if role == "late" else UNKNOWN)
        path, body = requests.of(route, role)
        before = planner.json("/v1/order/" + order), planner.json("/healthz")["entries"]
        status, _, answer = people[role].request(
            route.split(" ")[0], path, body, "application/cbor" if body else None)
        assert http(status, answer) == wanted, role
        if wanted != FINE:
            assert before == (planner.json("/v1/order/" + order),
                              planner.json("/healthz")["entries"]), role


def test_the_server_still_serves_and_its_record_is_consistent(world, people):
    factory = world.factory
    order = factory.order("soft", "soft-1")
    make_device(people["station"], factory, order, soft(factory))
    assert factory.audit()["consistent"]
