# SPDX-License-Identifier: Apache-2.0
"""hello - ClientHellos composed byte by byte, and what a server says to them

No TLS library offers what is long gone or never was: SSL 3.0, suites without encryption,
groups that nobody has numbered. Here a hello is a list of fields, each of which can be
given, and the answer is the first message of the server: an alert, a ServerHello or a
HelloRetryRequest (RFC 8446, section 4; RFC 5246; draft-hickman-netscape-ssl for SSL 2.0).
"""
import os, socket, struct

from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives import serialization

SSL3, TLS10, TLS11, TLS12, TLS13 = range(0x0300, 0x0305)
X25519, P256 = 0x001d, 0x0017
SUITES = (0x1301, 0x1302, 0x1303)
ECDSA_P256 = 0x0403
(SERVER_NAME, GROUPS, SIGNATURES, ALPN, PADDING, PSK, EARLY_DATA, VERSIONS, COOKIE, PSK_MODES,
 KEY_SHARE, RENEGOTIATION) = 0, 10, 13, 16, 21, 41, 42, 43, 44, 45, 51, 0xff01
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def u16(*values):
    return b"".join(struct.pack(">H", v) for v in values)


def vector(data, width):
    """The data behind its length in so many bytes."""
    return len(data).to_bytes(width, "big") + data


def share_of(group):
    """A public key for a group that we know, random bytes for another."""
    if group == X25519:
        return x25519.X25519PrivateKey.generate().public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    if group == P256:
        return ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return os.urandom(65)


def extensions(versions=(TLS13,), groups=(X25519, P256), shares=(X25519,),
               signatures=(ECDSA_P256,)):
    """Those of an ordinary hello, by number; None leaves one out."""
    found = {}
    if versions is not None:
        found[VERSIONS] = vector(u16(*versions), 1)
    if groups is not None:
        found[GROUPS] = vector(u16(*groups), 2)
    if shares is not None:
        found[KEY_SHARE] = vector(b"".join(u16(g) + vector(share_of(g), 2) for g in shares), 2)
    if signatures is not None:
        found[SIGNATURES] = vector(u16(*signatures), 2)
    return found


def hello(version=TLS12, suites=SUITES, compressions=b"\0", session=b"", given=None):
    """The handshake message. `given` is a dict of extensions or a list of pairs."""
    given = extensions() if given is None else given
    pairs = given.items() if isinstance(given, dict) else given
    body = u16(version) + os.urandom(32) + vector(session, 1) + vector(u16(*suites), 2) \
        + vector(compressions, 1)
    body += vector(b"".join(u16(kind) + vector(data, 2) for kind, data in pairs), 2)
    return b"\1" + vector(body, 3)


def records(message, version=TLS10, kind=22, piece=16384):
    return b"".join(bytes([kind]) + u16(version) + vector(message[at:at + piece], 2)
                    for at in range(0, len(message), piece))


class Answer:
    """`alert` (a number), or `version`, `suite` and `group` of a ServerHello; `retry` if it
    is a HelloRetryRequest; `closed` if there was not a word."""
    alert = version = suite = group = compression = None
    retry = closed = False
    given = {}

    def __init__(self, data):
        if not data:
            self.closed = True
        elif data[0] == 21:
            self.alert = data[6]
        else:
            assert data[0] == 22 and data[5] == 2, data[:16]
            self.read(data[9:9 + int.from_bytes(data[6:9], "big")])

    def read(self, body):
        self.version, random, at = int.from_bytes(body[:2], "big"), body[2:34], 35 + body[34]
        self.retry = random == RETRY
        self.suite, self.compression = int.from_bytes(body[at:at + 2], "big"), body[at + 2]
        at, self.given = at + 5, {}
        while at < len(body):
            kind, size = struct.unpack(">HH", body[at:at + 4])
            self.given[kind] = body[at + 4:at + 4 + size]
            at += 4 + size
        if VERSIONS in self.given:
            self.version = int.from_bytes(self.given[VERSIONS], "big")
        if KEY_SHARE in self.given:
            self.group = int.from_bytes(self.given[KEY_SHARE][:2], "big")

    @property
    def said(self):
        if self.closed:
            return "closed"
        return f"alert {self.alert}" if self.alert is not None else "taken"


def read_record(s):
    """One record as it came, b"" at the end."""
    data = b""
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        try:
            got = s.recv(65536 if len(data) >= 5 else 5 - len(data)) if len(data) < 5 else \
                s.recv(5 + int.from_bytes(data[3:5], "big") - len(data))
        except ConnectionResetError:
            return b""
        if not got:
            return b""
        data += got
    return data


def say(port, data, host="127.0.0.1"):
    """What the server answers to these bytes."""
    with socket.create_connection((host, port), timeout=30) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.sendall(data)
        return Answer(read_record(s))


def offer(port, version=TLS12, suites=SUITES, compressions=b"\0", session=b"", given=None,
          **ordinary):
    """Say a hello in records; `ordinary` goes to extensions()."""
    if given is None:
        given = extensions(**ordinary)
    return say(port, records(hello(version, suites, compressions, session, given)))


def hello_of_ssl2(version=0x0002):
    """CLIENT-HELLO of SSL 2.0, in its own record form."""
    suites = b"".join(bytes(k) for k in ((1, 0, 0x80), (7, 0, 0xc0), (2, 0, 0x80)))
    body = b"\1" + u16(version, len(suites), 0, 16) + suites + os.urandom(16)
    return u16(0x8000 | len(body)) + body
