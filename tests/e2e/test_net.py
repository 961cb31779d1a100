# SPDX-License-Identifier: Apache-2.0
"""net/: what goes over the wire, with sockets and certificates of our own.

The counterparts are Python's ssl, http.client and cryptography. NET_SERVER and
NET_CALL name the two programs of tests/e2e/tools.
"""
import contextlib
import datetime
import hashlib
import http.client
import ipaddress
import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import threading

import pytest
import hello
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER = os.environ.get("NET_SERVER", "build/tests/e2e/tools/net_server")
CALL = os.environ.get("NET_CALL", "build/tests/e2e/tools/net_call")
NOW = datetime.datetime.utcnow()
DAY = datetime.timedelta(days=1)
CLIENT, SERVE = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


# --- certificates -----------------------------------------------------------

def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Pki:
    """A root that nobody is given, a sub-CA that everybody trusts."""

    def __init__(self, folder):
        self.folder = folder
        self.root = ec.generate_private_key(ec.SECP256R1())
        self.sub = ec.generate_private_key(ec.SECP256R1())
        self.other = ec.generate_private_key(ec.SECP256R1())
        self.ca = self.write("ca.pem", self.ca_cert("sub", self.sub, self.root))
        self.other_ca = self.write(
            "other.pem", self.ca_cert("other", self.other, self.other))
        self.leaf("server", eku=SERVE, san=["127.0.0.1", "localhost"])
        self.leaf("wrong", eku=SERVE, san=["example.org"])
        self.leaf("oldserver", eku=SERVE, san=["127.0.0.1"], days=(-9, -2))
        self.leaf("station")
        self.leaf("second")
        self.leaf("revoked")
        self.leaf("expired", days=(-9, -2))
        self.leaf("early", days=(2, 9))
        self.leaf("foreign", issuer="other", key_ca=self.other)
        self.leaf("forged", issuer="sub", key_ca=self.other)
        self.leaf("noeku", eku=None)
        self.leaf("wrongeku", eku=SERVE)
        self.leaf("p384", curve=ec.SECP384R1())
        crl = (x509.CertificateRevocationListBuilder().issuer_name(name("sub"))
               .last_update(NOW - DAY).next_update(NOW + DAY)
               .add_revoked_certificate(
                   x509.RevokedCertificateBuilder()
                   .serial_number(self.certs["revoked"].serial_number)
                   .revocation_date(NOW - DAY).build())
               .sign(self.sub, hashes.SHA256()))
        self.crl = self.write("crl.pem", crl)
        self.old_crl = self.write("old.pem", (
            x509.CertificateRevocationListBuilder().issuer_name(name("sub"))
            .last_update(NOW - 9 * DAY).next_update(NOW - DAY)
            .sign(self.sub, hashes.SHA256())))

    certs, keys = {}, {}

    def write(self, file, thing):
        path = self.folder / file
        path.write_bytes(thing.public_bytes(serialization.Encoding.PEM))
        return str(path)

    def ca_cert(self, cn, key, signer):
        return (x509.CertificateBuilder().subject_name(name(cn))
                .issuer_name(name("root")).public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(NOW - DAY).not_valid_after(NOW + 30 * DAY)
                .add_extension(x509.BasicConstraints(True, 0), True)
                .sign(signer, hashes.SHA256()))

    def leaf(self, cn, eku=CLIENT, san=(), days=(-1, 30), issuer="sub",
             key_ca=None, curve=ec.SECP256R1()):
        key = ec.generate_private_key(curve)
        b = (x509.CertificateBuilder().subject_name(name(cn))
             .issuer_name(name(issuer)).public_key(key.public_key())
             .serial_number(x509.random_serial_number())
             .not_valid_before(NOW + days[0] * DAY)
             .not_valid_after(NOW + days[1] * DAY))
        if eku:
            b = b.add_extension(x509.ExtendedKeyUsage([eku]), False)
        if san:
            b = b.add_extension(x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address(s)) if s[0].isdigit()
                 else x509.DNSName(s) for s in san]), False)
        self.certs[cn] = b.sign(key_ca or self.sub, hashes.SHA256())
        self.keys[cn] = key
        self.write(cn + ".pem", self.certs[cn])
        (self.folder / (cn + ".key")).write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))

    def files(self, cn):
        return str(self.folder / (cn + ".pem")), str(self.folder / (cn + ".key"))


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


# --- the server -------------------------------------------------------------

class Server:
    def __init__(self, pki, *words, plain=False, crl=False):
        files = [] if plain else [*pki.files("server"), pki.ca]
        if crl:
            files.append(pki.crl)
        self.pki = pki
        self.process = subprocess.Popen(
            [SERVER, *files, *words, *(["plain"] if plain else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening "), line
        host, port = line.split()[1].rsplit(":", 1)
        self.address = host, int(port)
        self.plain = plain

    def context(self, cn="station", versions=None):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.load_verify_locations(self.pki.ca)
        c.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if versions:
            c.maximum_version = versions
        if cn:
            c.load_cert_chain(*self.pki.files(cn))
        return c

    def raw(self):
        s = socket.create_connection(self.address, timeout=20)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def connect(self, cn="station", session=None, context=None):
        s = self.raw()
        if self.plain:
            return s
        context = context or self.context(cn)
        return context.wrap_socket(
            s, server_hostname="127.0.0.1", session=session)

    def http(self, cn="station"):
        c = http.client.HTTPSConnection(
            *self.address, context=self.context(cn), timeout=20)
        return c

    def counts(self):
        c = self.http()
        c.request("GET", "/counts")
        got = json.loads(c.getresponse().read())
        c.close()
        return got

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0  # the sanitizers had no complaint
        self.process.stdout.close()


@contextlib.contextmanager
def running(pki, *words, **more):
    server = Server(pki, *words, **more)
    try:
        yield server
    finally:
        if server.process.poll() is None and not server.process.stdin.closed:
            server.stop()
        else:
            assert server.process.wait(30) == 0


@pytest.fixture(scope="module")
def server(pki):
    with running(pki) as s:
        yield s


@pytest.fixture(scope="module", params=["tls", "plain"])
def either(request, pki):
    with running(pki, plain=request.param == "plain") as s:
        yield s


def read_all(s):
    """Until the server closes; what comes, comes."""
    got = b""
    with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            got += piece
    return got


def read_answer(s, rest=b""):
    """One answer: status, headers, body, what follows."""
    while b"\r\n\r\n" not in rest:
        piece = s.recv(65536)
        assert piece, rest
        rest += piece
    head, rest = rest.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    length = int(fields["content-length"])
    while len(rest) < length:
        piece = s.recv(65536)
        assert piece
        rest += piece
    return int(lines[0].split()[1]), fields, rest[:length], rest[length:]


def post(path, body, *lines):
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\n"
            f"Content-Length: {len(body)}\r\n"
            + "".join(line + "\r\n" for line in lines)
            + "\r\n").encode() + body


GET = b"GET /where/a HTTP/1.1\r\nHost: x\r\n\r\n"


# --- requests ---------------------------------------------------------------

def test_answers_and_keeps_the_connection(server):
    c = server.http()
    for n in (0, 1, 2000, 65536):
        c.request("POST", "/echo", b"x" * n, {"Content-Type": "a/b"})
        r = c.getresponse()
        assert (r.status, r.read()) == (200, b"x" * n)
        assert r.headers["Content-Type"] == "a/b"
        assert r.headers["Cache-Control"] == "no-store"
        assert "Server" not in r.headers
    local = c.sock.getsockname()
    c.request("GET", "/where/a/b?c=d")
    assert c.getresponse().read() == b"GET /where/a/b|c=d|"
    assert c.sock.getsockname() == local
    c.close()


def test_gives_the_key_and_digest_of_the_peer(server):
    for cn in ("station", "second"):
        c = server.http(cn)
        for _ in range(2):  # also on the kept connection
            c.request("GET", "/peer")
            point, digest = c.getresponse().read().decode().split()
            cert = server.pki.certs[cn]
            assert bytes.fromhex(point) == cert.public_key().public_bytes(
                serialization.Encoding.X962,
                serialization.PublicFormat.UncompressedPoint)
            assert bytes.fromhex(digest) == hashlib.sha256(
                cert.public_bytes(serialization.Encoding.DER)).digest()
        c.close()


def test_knows_its_routes(server):
    c = server.http()
    for method, path, status in (
            ("GET", "/nowhere", 404), ("GET", "/echo", 404),
            ("GET", "/peer/", 404), ("GET", "/where", 404),
            ("GET", "/where/", 200), ("GET", "/", 404), ("GET", "/fail", 409)):
        c.request(method, path)
        r = c.getresponse()
        body = r.read()
        assert r.status == status, path
        if status == 404:
            assert body.startswith(b"HM-5105 ")
        if status == 409:
            assert body.startswith(b"HM-6101 ")


def test_answers_late_and_in_any_order(server):
    held = [server.connect() for _ in range(20)]
    for i, s in enumerate(held):
        s.sendall(post("/hold", b"%d" % i))
    while server.counts()["held"] < 20:
        pass
    c = server.http()
    c.request("POST", "/release")
    assert c.getresponse().read() == b""
    for i, s in enumerate(held):
        assert read_answer(s)[2] == b"%d" % i
        s.close()


def test_a_client_that_left_does_no_harm(server):
    for _ in range(20):
        s = server.connect()
        s.sendall(post("/hold", b"gone"))
        s.close()
    stay = server.connect()
    stay.sendall(post("/hold", b"stays"))
    while server.counts()["requests"] < 2:  # this one and the one that stays
        pass
    c = server.http()
    c.request("POST", "/release")
    c.getresponse().read()
    assert read_answer(stay)[2] == b"stays"
    stay.close()
    assert server.counts()["requests"] == 1


def test_all_clients_may_leave_at_once(pki):
    with running(pki, "connections_per_address=600") as server:
        for _ in range(3):
            some = [server.connect() for _ in range(60)]
            for i, s in enumerate(some):
                s.sendall(post("/hold" if i % 2 else "/echo", b"x" * 100))
            for s in some:  # no goodbye
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             b"\1\0\0\0\0\0\0\0")
                socket.close(s.detach())
        c = server.http()
        c.request("POST", "/release")
        assert c.getresponse().status == 200
        c.close()


def test_serves_pipelined_requests_in_order(either):
    s = either.connect()
    s.sendall(b"".join(post("/echo", b"%d" % i) for i in range(50)))
    rest = b""
    for i in range(50):
        status, _, body, rest = read_answer(s, rest)
        assert (status, body) == (200, b"%d" % i)
    s.close()


def test_takes_a_request_byte_by_byte(either):
    s = either.connect()
    for byte in post("/echo", b"slow but steady") + GET:
        s.sendall(bytes([byte]))
    _, _, body, rest = read_answer(s)
    assert body == b"slow but steady"
    assert read_answer(s, rest)[2] == b"GET /where/a||"
    s.close()


def test_says_close_when_asked(either):
    s = either.connect()
    s.sendall(b"GET /where/a HTTP/1.1\r\nHost: x\r\n"
              b"Connection: keep-alive, Close\r\n\r\n")
    status, fields, _, rest = read_answer(s)
    assert status == 200 and fields["connection"] == "close"
    assert rest + read_all(s) == b""


# --- what is refused ----------------------------------------------------------

TWO = b"GET /where/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
BAD = {
    "transfer-encoding": post("/echo", b"", "Transfer-Encoding: chunked") + TWO,
    "te alone": b"POST /echo HTTP/1.1\r\nHost: x\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + TWO,
    "te with tab": post("/echo", b"0\r\n\r\n", "Transfer-Encoding:\tchunked"),
    "te odd case": post("/echo", b"0\r\n\r\n", "tRANSFER-eNCODING: identity"),
    "two lengths": post("/echo", b"12345", "Content-Length: 0") + TWO,
    "two equal lengths": post("/echo", b"12345", "content-length: 5"),
    "length list": post("/echo", b"", "X: y").replace(b": 0", b": 0, 5") + TWO,
    "length with sign": post("/echo", b"").replace(b": 0", b": +0"),
    "negative length": post("/echo", b"").replace(b": 0", b": -1"),
    "hex length": post("/echo", b"").replace(b": 0", b": 0x5"),
    "length too long": post("/echo", b"").replace(b": 0", b": " + b"9" * 30),
    "empty length": post("/echo", b"").replace(b": 0", b": "),
    "no length": b"POST /echo HTTP/1.1\r\nHost: x\r\n\r\n" + TWO,
    "get with body": b"GET /where/a HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Length: 5\r\n\r\n12345",
    "folded field": post("/echo", b"", "X: a", " Content-Length: 5") + TWO,
    "folded with tab": post("/echo", b"", "X: a", "\tb"),
    "space before colon": post("/echo", b"", "Content-Length : 5") + TWO,
    "field without colon": post("/echo", b"", "Nonsense"),
    "empty field name": post("/echo", b"", ": x"),
    "bare lf": b"GET /where/a HTTP/1.1\nHost: x\n\n",
    "bare lf in field": b"GET /where/a HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
    "bare cr": b"GET /where/a HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
    "nul": b"GET /where/a HTTP/1.1\r\nHost: x\0y\r\n\r\n",
    "nul in path": b"GET /where/\0a HTTP/1.1\r\nHost: x\r\n\r\n",
    "high byte": b"GET /where/a HTTP/1.1\r\nHost: x\xff\r\n\r\n",
    "leading newline": b"\r\n" + GET,
    "leading space": b" " + GET,
    "http/1.0": GET.replace(b"/1.1", b"/1.0"),
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http/0.9": b"GET /where/a\r\n\r\n",
    "two spaces": GET.replace(b"GET ", b"GET  "),
    "absolute form": GET.replace(b"/where/a", b"http://x/where/a"),
    "asterisk": GET.replace(b"/where/a", b"*"),
    "fragment": GET.replace(b"/where/a", b"/where/a#b"),
    "escape": GET.replace(b"/where/a", b"/where/%2e%2e/fail"),
    "dot segments": GET.replace(b"/where/a", b"/where/../fail"),
    "dot at end": GET.replace(b"/where/a", b"/where/.."),
    "empty segment": GET.replace(b"/where/a", b"//where/a"),
    "long path": GET.replace(b"/where/a", b"/where/" + b"a" * 600),
    "no host": b"GET /where/a HTTP/1.1\r\n\r\n",
    "two hosts": GET.replace(b"Host: x", b"Host: x\r\nHost: y"),
    "put": post("/echo", b"").replace(b"POST", b"PUT"),
    "head": GET.replace(b"GET", b"HEAD"),
    "delete": GET.replace(b"GET", b"DELETE"),
    "connect": b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "small letters": GET.replace(b"GET", b"get"),
    "expect": post("/echo", b"12345", "Expect: 100-continue"),
    "upgrade": post("/echo", b"", "Connection: upgrade", "Upgrade: h2c"),
    "two types": post("/echo", b"", "Content-Type: a/b", "Content-Type: c/d"),
    "many fields": post("/echo", b"", *["A: b"] * 70),
    "tls in plain": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64,
}


@pytest.mark.parametrize("form", BAD)
def test_refuses_what_could_be_read_in_two_ways(either, form):
    s = either.connect()
    s.sendall(BAD[form])
    got = read_all(s)
    assert got.startswith(b"HTTP/1.1 400 "), got
    assert got.count(b"HTTP/1.1") == 1  # and nothing that was smuggled
    assert b"HM-5106 " in got and b"Connection: close" in got
    s.close()


@pytest.mark.parametrize("form", BAD)
def test_refuses_it_behind_a_good_one_too(either, form):
    s = either.connect()
    s.sendall(post("/echo", b"good") + BAD[form])
    status, _, body, rest = read_answer(s)
    assert (status, body) == (200, b"good")
    rest += read_all(s)
    assert rest.startswith(b"HTTP/1.1 400 ") and rest.count(b"HTTP/1.1") == 1
    s.close()


def test_refuses_a_large_head(either):
    for field in ("X: " + "a" * 9000, "\r\n".join(["X: " + "a" * 900] * 10)):
        s = either.connect()
        s.sendall(post("/echo", b"", field))
        got = read_all(s)
        assert got.startswith(b"HTTP/1.1 413 "), got
        s.close()


def test_refuses_a_large_body_before_it_comes(either):
    s = either.connect()
    s.sendall(b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n")
    got = read_all(s)  # not a byte of the body was sent
    assert got.startswith(b"HTTP/1.1 413 ") and b"HM-5202" in got
    s.close()
    s = either.connect()
    s.sendall(post("/small", b"x" * 16))
    assert read_answer(s)[2] == b"x" * 16
    s.close()


def test_a_refusal_reaches_a_client_that_is_still_sending(either):
    s = either.connect()
    s.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\n"
              b"Content-Length: 4000000\r\n\r\n" + b"x" * 500000)
    assert read_all(s).startswith(b"HTTP/1.1 413 ")
    s.close()


def test_a_refusal_reaches_a_client_that_ended_its_side(either):
    s = either.connect()
    s.sendall(BAD["bare lf"])
    half = socket.socket(fileno=os.dup(s.fileno()))
    half.shutdown(socket.SHUT_WR)
    half.close()
    assert read_all(s).startswith(b"HTTP/1.1 400 ")
    s.close()


def test_random_bytes_do_no_harm(either):
    import random
    dice = random.Random(1)
    for _ in range(150):
        s = either.connect()
        with contextlib.suppress(OSError):
            data = bytearray(post("/echo", b"abc") + GET)
            for _ in range(dice.randrange(1, 6)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            s.sendall(data)
            if not either.plain:
                s = s.unwrap() if dice.random() < .2 else s
        s.close()
    s = either.connect()
    s.sendall(GET)
    assert read_answer(s)[0] == 200
    s.close()


# --- TLS ----------------------------------------------------------------------

def refused(server, cn=None, context=None):
    """No TLS, or no answer: TLS 1.3 tells after the client's handshake."""
    try:
        s = server.connect(cn, context=context)
        s.sendall(GET)
        got = s.recv(100)
    except (ssl.SSLError, ConnectionError) as error:
        return str(error)
    assert got == b"", got
    return "closed"


def test_refuses_foreign_credentials(pki):
    with running(pki, crl=True) as server:
        for cn in (None, "foreign", "forged", "expired", "early", "noeku",
                   "wrongeku", "p384", "revoked"):
            assert refused(server, cn), cn
        s = server.connect("station")
        s.sendall(GET)
        assert read_answer(s)[0] == 200
        s.close()
        assert server.counts()["served"] == 1


def test_refuses_tls_1_2(server):
    context = server.context(versions=ssl.TLSVersion.TLSv1_2)
    assert "version" in refused(server, context=context).lower()


def test_resumes_by_id_and_still_knows_the_peer(pki):
    with running(pki) as server:
        context = server.context()
        s = server.connect(context=context)
        s.sendall(b"GET /peer HTTP/1.1\r\nHost: x\r\n\r\n")
        first = read_answer(s)[2]
        session = s.session
        s.close()
        s = server.connect(context=context, session=session)
        assert s.session_reused
        s.sendall(b"GET /peer HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(s)[2] == first
        s.close()
        assert server.counts()["resumed"] == 1


def test_a_revoked_station_does_not_resume(pki):
    with running(pki) as server:
        contexts = {cn: server.context(cn) for cn in ("revoked", "station")}
        sessions = {}
        for cn, context in contexts.items():
            s = server.connect(context=context)
            s.sendall(GET)
            assert read_answer(s)[0] == 200
            sessions[cn] = s.session
            s.close()
        assert server.tell("crl " + pki.ca) == "crl 4301"  # not a CRL
        s = server.connect(
            context=contexts["revoked"], session=sessions["revoked"])
        assert s.session_reused
        s.close()
        assert server.tell("crl " + pki.crl) == "crl 0"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            s = server.connect(
                context=contexts["revoked"], session=sessions["revoked"])
            s.sendall(GET)
            if s.recv(1) == b"":
                raise ConnectionError
        s = server.connect(
            context=contexts["station"], session=sessions["station"])
        assert not s.session_reused
        s.sendall(GET)
        assert read_answer(s)[0] == 200
        s.close()
        assert server.tell("crl " + pki.old_crl) == "crl 0"
        assert refused(server, "station")  # nobody knows who is revoked


def test_what_was_verified_before_is_refused_once_it_is_revoked(pki):
    """By new connections: a certificate that was accepted is remembered."""
    def comes_in(cn):
        s = server.connect(cn)
        assert not s.session_reused
        s.sendall(GET)
        assert read_answer(s)[0] == 200
        s.close()

    with running(pki) as server:
        for cn in ("revoked", "station") * 3:
            comes_in(cn)
        assert server.tell("crl " + pki.ca) == "crl 4301"  # not a CRL
        comes_in("revoked")
        assert server.tell("crl " + pki.crl) == "crl 0"
        for _ in range(2):
            assert refused(server, "revoked")
            comes_in("station")
        assert server.tell("crl " + pki.old_crl) == "crl 0"
        for _ in range(2):
            assert refused(server, "station")
        assert server.tell("crl " + pki.crl) == "crl 0"
        comes_in("station")


def test_uses_x25519_and_tls_1_3(server):
    s = server.connect()
    assert s.version() == "TLSv1.3"
    s.close()
    out = subprocess.run(
        ["openssl", "s_client", "-connect", "%s:%d" % server.address,
         "-cert", server.pki.files("station")[0],
         "-key", server.pki.files("station")[1],
         "-CAfile", server.pki.ca, "-partial_chain"],
        input="", capture_output=True, text=True, timeout=20)
    assert "Server Temp Key: X25519" in out.stdout
    assert "Verify return code: 0 (ok)" in out.stdout


# --- slow, many, stopping -------------------------------------------------------

QUICK = ("handshake_ms=300", "header_ms=300", "body_ms=300", "idle_ms=600",
         "send_ms=300")


def drip(s, data):
    """One byte each 50 ms, until the other side has enough; its last words."""
    s.settimeout(.05)
    sent = 0
    for byte in data:
        try:
            s.sendall(bytes([byte]))
            sent += 1
        except (ConnectionError, ssl.SSLError, OSError):
            break
        try:
            got = s.recv(100)
            return sent, got
        except (TimeoutError, socket.timeout):
            continue
        except (ConnectionError, ssl.SSLError, OSError):
            break
    return sent, b""


def test_cuts_off_who_drips(pki):
    with running(pki, *QUICK) as server:
        for data in (b"GET /where/" + b"a" * 400,
                     ):
            s = server.connect()
            sent, got = drip(s, data)
            assert sent < 100 and got == b""
            s.close()
        s = server.connect()
        s.sendall(post("/echo", b"x" * 400)[:-400])
        sent, got = drip(s, b"x" * 399)
        assert sent < 100 and got == b""
        s.close()
        raw = server.raw()  # a handshake that drips
        sent, got = drip(raw, b"\x16\x03\x01\x40\x00" + b"\0" * 400)
        assert sent < 100
        raw.close()
        assert server.counts()["too_slow"] >= 2


def test_cuts_off_who_says_nothing(pki):
    with running(pki, *QUICK) as server:
        raw = [server.raw() for _ in range(50)]
        for s in raw:
            assert read_all(s) == b""
            s.close()
        s = server.connect()
        assert read_all(s) == b""  # idle
        s.close()
        assert server.counts()["connections"] == 1


def test_cuts_off_who_does_not_read(pki):
    with running(pki, *QUICK) as server:
        s = server.connect()
        s.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        while server.counts()["too_slow"] < 1:
            pass
        assert server.counts()["connections"] == 1
        s.close()


PARTS = b"GET /parts HTTP/1.1\r\nHost: x\r\n\r\n"


def test_an_answer_in_parts_is_the_same_answer(either):
    s = either.connect()
    s.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n" + PARTS + GET)
    status, _, whole, rest = read_answer(s)
    assert status == 200 and len(whole) == 8 << 20
    status, _, parts, rest = read_answer(s, rest)
    assert status == 200 and parts == whole
    assert read_answer(s, rest)[0] == 200  # the next request has its turn
    s.close()


def test_a_client_that_does_not_read_is_given_few_parts(pki):
    with running(pki, "send_ms=300") as server:
        s = server.connect()
        s.sendall(PARTS)
        while server.counts()["too_slow"] < 1:
            pass
        counts = server.counts()
        assert counts["parts"] < 100  # of 168: what the kernel's buffers hold
        assert counts["parting"] == 0 and counts["connections"] == 1
        s.close()


def test_a_client_may_leave_in_the_middle_of_parts(either):
    for _ in range(20):
        s = either.connect()
        s.sendall(PARTS)
        s.recv(1000)
        s.close()
    s = either.connect()
    while True:
        s.sendall(b"GET /counts HTTP/1.1\r\nHost: x\r\n\r\n")
        if json.loads(read_answer(s)[2])["parting"] == 0:
            break
    s.close()


def test_parts_that_end_early_are_no_answer(server):
    s = server.connect()
    s.sendall(PARTS.replace(b"/parts", b"/parts?cut"))
    got = read_all(s)
    assert (4 << 20) - 50000 < len(got) < (4 << 20) + 50000
    assert server.counts()["parting"] == 0
    s.close()


def test_parts_under_way_when_the_server_is_freed(pki):
    server = Server(pki)
    some = [server.connect() for _ in range(5)]
    for s in some:
        s.sendall(PARTS)
        s.recv(1000)
    server.stop()  # the sanitizers find what is left
    for s in some:
        s.close()


def test_a_handler_may_take_longer_than_any_deadline(pki):
    with running(pki, *QUICK) as server:
        s = server.connect()
        s.sendall(post("/hold", b"patience"))
        read_all(server.connect())  # another one goes idle and is cut off
        c = server.http()
        c.request("POST", "/release")
        c.getresponse().read()
        assert read_answer(s)[2] == b"patience"
        s.close()


def test_keeps_200_idle_connections(server):
    some = [server.connect() for _ in range(200)]
    for s in some:
        s.sendall(GET)
    for s in some:
        assert read_answer(s)[0] == 200
    assert server.counts()["connections"] >= 201
    for s in some:
        s.close()


PATIENT = "handshake_ms=60000"  # nobody here is cut off for being slow


def is_cut_off(s):
    return read_all(s) == b""


def is_served(s):
    s.sendall(GET)
    return read_answer(s)[0] == 200


def test_strangers_push_out_the_oldest_stranger(pki):
    """In all, and of one address."""
    for limit in "connections=5", "connections_per_address=3":
        with running(pki, limit, PATIENT) as server:
            known = [server.connect() for _ in range(2)]
            strangers = [server.raw() for _ in range(3)]  # now it is full
            for _ in range(20):
                strangers.append(server.raw())
                assert is_cut_off(strangers.pop(0))
            assert all(is_served(s) for s in known)
            late = server.connect()  # a station gets in among them
            assert is_served(late) and all(is_served(s) for s in known)
            for s in (late, *known, *strangers):
                s.close()


def test_who_has_said_hello_outlives_those_who_have_not(pki):
    """A handshake that goes on is not ended by connections that are only there."""
    for limit in "connections=4", "connections_per_address=4":
        with running(pki, limit, PATIENT) as server:
            greeted = server.raw()
            greeted.sendall(hello.records(hello.hello()))
            assert hello.read_record(greeted)[5] == 2  # ServerHello
            silent = [server.raw() for _ in range(3)]
            for _ in range(10):
                silent.append(server.raw())
                assert is_cut_off(silent.pop(0))
            greeted.setblocking(False)
            with pytest.raises(BlockingIOError):
                while True:
                    assert greeted.recv(65536)
            greeted.settimeout(20)
            for s in silent:
                s.close()
            many = []
            for _ in range(4):  # a hello alone is no place for life
                many.append(server.raw())
                many[-1].sendall(hello.records(hello.hello()))
                assert hello.read_record(many[-1])[5] == 2
            assert is_cut_off(greeted)
            for s in many:
                s.close()


def test_strangers_push_out_nobody_who_is_known(pki):
    """A whole factory comes from one address; the strangers in it have a share of their own."""
    with running(pki, "connections_per_address=3", PATIENT) as server:
        known = [server.connect(cn) for cn in ("station", "second", "revoked") * 3]
        strangers = [server.raw() for _ in range(3)]
        for _ in range(10):
            strangers.append(server.raw())
            assert is_cut_off(strangers.pop(0))
        assert all(is_served(s) for s in known)
        for s in (*known, *strangers):
            s.close()


def test_one_certificate_gets_no_more_than_its_share(pki):
    """From wherever; what goes is its own oldest connection that is idle."""
    def connect(cn, n):
        s = socket.create_connection(server.address, 20, ("127.0.0.%d" % n, 0))
        return server.context(cn).wrap_socket(s, server_hostname="127.0.0.1")

    with running(pki, "connections_per_address=3") as server:
        other = connect("second", 9)
        some = [connect("revoked", n) for n in (2, 3, 4)]
        assert all(is_served(s) for s in some)
        some[0].sendall(post("/hold", b"work"))  # the oldest is not idle now
        while server.counts()["held"] < 1:
            pass
        some.append(connect("revoked", 5))
        assert is_cut_off(some.pop(1))
        assert all(is_served(s) for s in (other, *some[1:]))
        server.http().request("POST", "/release")
        assert read_answer(some[0])[2] == b"work"
        for s in (other, *some):
            s.close()


def test_further_connections_wait_beyond_the_limit(pki):
    with running(pki, "connections=3") as server:
        some = [server.connect() for _ in range(3)]
        waiting = server.raw()
        waiting.settimeout(.2)
        hello = threading.Thread(target=some[0].close)
        context = server.context()
        hello.start()
        waiting.settimeout(20)
        s = context.wrap_socket(waiting, server_hostname="127.0.0.1")
        s.sendall(GET)
        assert read_answer(s)[0] == 200
        hello.join()
        for other in (s, *some):
            other.close()


def test_survives_a_lack_of_descriptors(pki):
    with running(pki, plain=True) as server:
        resource.prlimit(
            server.process.pid, resource.RLIMIT_NOFILE, (30, 30))
        some = [server.raw() for _ in range(60)]
        for s in some:
            s.sendall(b"GET /where/a HTTP/1.1\r\nHost: x\r\n"
                      b"Connection: close\r\n\r\n")
        for s in some:  # each in its turn, as others leave
            assert read_all(s).startswith(b"HTTP/1.1 200 ")
            s.close()


def test_too_many_requests_are_told_so(pki):
    with running(pki, "requests=2") as server:
        held = [server.connect() for _ in range(2)]
        for s in held:
            s.sendall(post("/hold", b"x"))
        status = 0
        while status != 429:
            s = server.connect()
            s.sendall(GET)
            status, fields, body, _ = read_answer(s)
            s.close()
        assert fields["retry-after"] == "1" and body.startswith(b"HM-5104")


def test_stops_gracefully(pki):
    with running(pki) as server:
        idle = server.connect()
        idle.sendall(GET)
        read_answer(idle)
        busy = server.connect()
        busy.sendall(post("/hold", b"work"))
        while server.counts()["held"] < 1:
            pass
        half = server.connect()  # its request is on the way
        half.sendall(post("/release", b"")[:-2])
        c = server.http()
        c.request("GET", "/counts")
        c.getresponse().read()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.stdout.readline() == "stopping\n"
        assert read_all(idle) == b""
        with pytest.raises(OSError):
            server.raw()
        half.sendall(b"\r\n")
        status, fields, _, _ = read_answer(half)
        assert status == 200 and fields["connection"] == "close"
        status, fields, body, _ = read_answer(busy)
        assert body == b"work" and fields["connection"] == "close"
        assert server.process.stdout.readline() == "drained\n"
        assert server.process.wait(20) == 0
        server.process.stdin.close()


def test_requests_outlive_a_server_that_is_freed(either, pki):
    with running(pki, plain=either.plain) as server:
        some = [server.connect() for _ in range(5)]
        for s in some:
            s.sendall(post("/hold", b"x"))
        one = server.connect()
        one.sendall(b"GET /counts HTTP/1.1\r\nHost: x\r\n\r\n")
        while json.loads(read_answer(one)[2])["held"] < 5:
            one.sendall(b"GET /counts HTTP/1.1\r\nHost: x\r\n\r\n")
        idle = server.raw()
        assert server.tell("free") == "freed"
        for s in (*some, one, idle):
            assert read_all(s) == b""
            s.close()


# --- the client -----------------------------------------------------------------

class Call:
    def __init__(self, *words):
        self.process = subprocess.Popen(
            [CALL, *map(str, words)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)

    def __call__(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def end(self):
        self.process.stdin.close()
        out = self.process.stdout.read()
        self.process.stdout.close()
        self.process.wait(20)
        return out


@contextlib.contextmanager
def calling(*words):
    call = Call(*words)
    try:
        yield call
    finally:
        call.end()
        assert call.process.returncode == 0


def url(server, host="127.0.0.1"):
    return "https://%s:%d" % (host, server.address[1])


def test_client_calls_and_keeps_its_connection(server):
    pki = server.pki
    for host in ("127.0.0.1", "localhost"):
        with calling(url(server, host), pki.ca, *pki.files("station")) as call:
            assert call("post /echo hello") == "200 text/plain|hello"
            assert call("get /where/x?y=z") == \
                "200 text/plain|GET /where/x|y=z|"
            assert call("get /nowhere").startswith("404 text/plain|HM-5105")
            assert call("get /fail").startswith("409 text/plain|HM-6101")
            # 404 is a refusal of the gate, which closes
            assert call("counts") == "calls 4 connections 2 resumed 1"
            assert call("hangup") == "ok"
            assert call("post /echo again") == "200 text/plain|again"
            assert call("counts") == "calls 5 connections 3 resumed 2"


def test_client_reconnects_when_the_kept_connection_was_closed(pki):
    with running(pki, "idle_ms=100") as server:
        with calling(url(server), pki.ca, *pki.files("station")) as call:
            assert call("post /echo a") == "200 text/plain|a"
            idle = server.connect()
            assert read_all(idle) == b""  # by now the client's is cut off too
            assert call("post /echo b") == "200 text/plain|b"
            assert call("counts").startswith("calls 2 connections 2")


def test_client_says_why_tls_failed(pki):
    def error(server, *words, host="127.0.0.1"):
        with calling(url(server, host), *words) as call:
            return call("post /echo x")

    with running(pki) as server:
        station = pki.files("station")
        got = error(server, pki.other_ca, *station)
        assert got.startswith("error 5103 the server's certificate"), got
        assert error(server, pki.ca).startswith(
            "error 5103 the server wants a client certificate")
        got = error(server, pki.ca, *pki.files("expired"))
        assert got.startswith("error 5103 check the clocks first"), got
        got = error(server, pki.ca, *pki.files("foreign"))
        assert got.startswith("error 5103 the server refused our side"), got
        assert "clock" not in got
        got = error(server, pki.ca, *station, host="127.0.0.2")
        assert got.startswith("error 5101"), got  # nobody listens there
    with fake(pki, "oldserver", lambda s: s.recv(1)) as port:
        with calling(f"https://127.0.0.1:{port}", pki.ca) as call:
            got = call("get /")
            assert got.startswith("error 5103 check the clock of this"), got
    with fake(pki, "wrong", lambda s: s.recv(1)) as port:
        with calling(f"https://127.0.0.1:{port}", pki.ca) as call:
            got = call("get /")
            assert got.startswith("error 5103 the server's certificate"), got
    with fake(pki, "server", lambda s: s.recv(1),
              versions=ssl.TLSVersion.TLSv1_2) as port:
        with calling(f"https://127.0.0.1:{port}", pki.ca) as call:
            assert call("get /").startswith("error 5103")


def test_client_refuses_bad_settings(pki, tmp_path):
    station = pki.files("station")
    for words, number in (
            (("http://x:1", pki.ca), 1001), (("https://", pki.ca), 1001),
            (("https://x:99999", pki.ca), 1001),
            (("https://x/path", pki.ca), 1001),
            (("https://x", "/nowhere"), 9008),
            (("https://x", station[1]), 4301),
            (("https://x", pki.ca, station[1], station[1]), 4301),
            (("https://x", pki.ca, station[0], station[0]), 4303),
            (("https://x", pki.ca, station[0], pki.files("second")[1]), 4303)):
        call = Call(*words)
        assert call.end().startswith(f"error {number} "), words
        assert call.process.returncode == 1


@contextlib.contextmanager
def fake(pki, cn, talk, versions=None):
    """A server that does as it likes: `talk` gets each TLS connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pki.files(cn))
    if versions:
        context.maximum_version = versions
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)

    def serve():
        while True:
            try:
                s, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):
                s.settimeout(20)
                s = context.wrap_socket(s, server_side=True)
                talk(s)
            s.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(30)
        assert not thread.is_alive()


def ok(body=b"ok", *lines):
    return (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body)
            + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body)


@pytest.mark.parametrize("answer,want", [
    (ok(), "200 |ok"),
    (ok(b"", b"Content-Type: a/b"), "200 a/b|"),
    (ok(b"x" * 1001), "error 5202"),
    (ok(b"x" * 1000), "200 |" + "x" * 200),
    (b"nonsense\r\n\r\n", "error 5106"),
    (b"HTTP/1.1 200 OK\r\n\r\n", "error 5106"),
    (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "error 5106"),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "error 5106"),
    (b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", "error 5106"),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + ok(), "error 5106"),
    (ok(b"", b"Content-Length: 5"), "error 5106"),
    (ok(b"", b"Transfer-Encoding: chunked"), "error 5106"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 9000 + b"\r\n\r\n", "error 5106"),
    (ok(b"ok") + b"more", "error 5106"),
    (ok(b"12345")[:-1], "error 5101"),
    (b"HTTP/1.1 200 OK\r\nContent-", "error 5101"),
    (b"", "error 5101"),
])
def test_client_takes_one_form_of_answer(pki, answer, want):
    def talk(s):
        s.recv(1000)
        s.sendall(answer)
        s.unwrap()

    with fake(pki, "server", talk) as port:
        with calling(f"https://127.0.0.1:{port}", pki.ca, "max=1000") as call:
            assert call("get /").startswith(want)


def test_client_does_not_repeat_what_has_been_answered_in_part(pki):
    seen = []

    def talk(s):
        while True:
            seen.append(s.recv(1000))
            if len(seen) == 2:
                s.sendall(b"HTTP/1.1 200")
                return
            s.sendall(ok())

    with fake(pki, "server", talk) as port:
        with calling(f"https://127.0.0.1:{port}", pki.ca) as call:
            assert call("get /1") == "200 |ok"
            assert call("get /2").startswith("error 5101")
    assert len(seen) == 2


def test_client_repeats_once_on_a_new_connection(pki):
    seen = []

    def talk(s):
        seen.append(s.recv(1000))
        if len(seen) == 1:
            s.sendall(ok())
            seen.append(s.recv(1000))  # read, then gone without a word
            return
        if len(seen) == 3:
            s.sendall(ok(b"second"))

    with fake(pki, "server", talk) as port:
        with calling(f"https://127.0.0.1:{port}", pki.ca) as call:
            assert call("get /1") == "200 |ok"
            assert call("get /2") == "200 |second"
    assert seen[1] == seen[2]


def test_client_ends_by_its_deadline(pki):
    done = threading.Event()

    def talk(s):
        for byte in ok(b"x" * 500):
            s.sendall(bytes([byte]))  # alive, but never ready
            if done.wait(.02):
                return

    with fake(pki, "server", talk) as port:
        with calling(f"https://127.0.0.1:{port}", pki.ca) as call:
            call("deadline 300")
            assert call("get /").startswith("error 5102")
            done.set()
    mute = socket.create_server(("127.0.0.1", 0))  # accepts, says nothing
    with calling(f"https://127.0.0.1:{mute.getsockname()[1]}", pki.ca,
                 "deadline=300") as call:
        assert call("get /").startswith("error 5102")
    mute.close()


def test_client_tells_that_nobody_is_there(pki):
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    with calling(f"https://127.0.0.1:{port}", pki.ca) as call:
        assert "refused" in call("get /")
        assert call("get /").startswith("error 5101")
        assert call("get relative").startswith("error 5106")
