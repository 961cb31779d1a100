# SPDX-License-Identifier: Apache-2.0
"""tls13 - the client's side of TLS 1.3, message by message, to say what no library would

RFC 8446 with SHA-256 and AES-128-GCM. The server's certificate is not verified (that is the
business of others): whoever uses this looks at what the server takes and how it refuses.
A Client may present any certificates, sign with any key, and send any message at any time.
"""
import contextlib, hashlib, hmac, os, socket, struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hello import (ECDSA_P256, EARLY_DATA, KEY_SHARE, PSK, PSK_MODES, X25519, extensions, hello,
                   records, read_record, u16, vector)

(CLIENT_HELLO, SERVER_HELLO, NEW_TICKET, ENCRYPTED_EXTENSIONS, CERTIFICATE, CERTIFICATE_REQUEST,
 CERTIFICATE_VERIFY, FINISHED, KEY_UPDATE) = 1, 2, 4, 8, 11, 13, 15, 20, 24
ALERT, HANDSHAKE, DATA = 21, 22, 23
EMPTY = hashlib.sha256(b"").digest()
CLOSED = "closed"


class Alert(Exception):
    """What the server said last: a number, or CLOSED."""

    def __init__(self, number):
        super().__init__(str(number))
        self.number = number


def expand(secret, label, context=b"", length=32):
    info = u16(length) + vector(b"tls13 " + label, 1) + vector(context, 1)
    return hmac.new(secret, info + b"\1", hashlib.sha256).digest()[:length]


def extract(salt, secret):
    return hmac.new(salt, secret, hashlib.sha256).digest()


class Keys:
    """One direction."""

    def __init__(self, secret):
        self.secret, self.count = secret, 0
        self.aead = AESGCM(expand(secret, b"key", length=16))
        self.iv = expand(secret, b"iv", length=12)

    def nonce(self):
        self.count += 1
        return (int.from_bytes(self.iv, "big") ^ (self.count - 1)).to_bytes(12, "big")

    def seal(self, kind, data, padding=0):
        inner = data + bytes([kind]) + bytes(padding)
        head = b"\x17" + u16(0x0303, len(inner) + 16)
        return head + self.aead.encrypt(self.nonce(), inner, head)

    def open(self, record):
        inner = self.aead.decrypt(self.nonce(), record[5:], record[:5]).rstrip(b"\0")
        return inner[-1], inner[:-1]

    def update(self):
        return Keys(expand(self.secret, b"traffic upd"))


def message(kind, body):
    return bytes([kind]) + vector(body, 3)


def certificate_message(chain, context=b"", extra=b""):
    entries = b"".join(vector(der, 3) + vector(b"", 2) for der in chain)
    return message(CERTIFICATE, vector(context, 1) + vector(entries, 3) + extra)


class Client:
    """`session` is (ticket, secret) of an earlier connection; `early` is sent behind the
    first hello as early data."""

    def __init__(self, port, chain=(), key=None, session=None, early=None, host="127.0.0.1"):
        self.chain, self.key, self.session, self.early = chain, key, session, early
        self.tickets, self.answered, self.data = [], b"", b""
        self.taken_psk = False
        self.socket = socket.create_connection((host, port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transcript = hashlib.sha256()
        self.pending = b""
        self.reading = self.writing = None

    # --- records

    def send(self, kind, data):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for at in range(0, max(len(data), 1), 16384):
                piece = data[at:at + 16384]
                self.socket.sendall(self.writing.seal(kind, piece) if self.writing else
                                    records(piece, kind=kind))

    def read(self):
        """(type, content) of the next record, decrypted."""
        while True:
            record = read_record(self.socket)
            if not record:
                raise Alert(CLOSED)
            kind, content = record[0], record[5:]
            if kind == 20:
                continue  # for middle boxes
            if kind == DATA:
                kind, content = self.reading.open(record)
            if kind == ALERT:
                raise Alert(CLOSED if content[1] == 0 else content[1])
            return kind, content

    def next(self, wanted):
        """The body of the next handshake message, which must be of this type."""
        while len(self.pending) < 4 or \
                len(self.pending) < 4 + int.from_bytes(self.pending[1:4], "big"):
            kind, content = self.read()
            assert kind == HANDSHAKE
            self.pending += content
        size = 4 + int.from_bytes(self.pending[1:4], "big")
        said, self.pending = self.pending[:size], self.pending[size:]
        assert said[0] == wanted, (said[0], wanted)
        if wanted == FINISHED:
            self.before_finished = self.transcript.digest()
        self.transcript.update(said)
        return said[4:]

    def say(self, data):
        """A handshake message that counts for the transcript."""
        self.transcript.update(data)
        self.send(HANDSHAKE, data)

    # --- the handshake

    def with_psk(self, given):
        """The hello with a session offered: its binder covers all before it."""
        ticket, secret = self.session
        given[PSK_MODES] = vector(b"\1", 1)
        if self.early is not None:
            given[EARLY_DATA] = b""
        identities = vector(vector(ticket, 2) + os.urandom(4), 2)
        binders = vector(vector(bytes(32), 1), 2)
        given[PSK] = identities + binders
        whole = hello(suites=(0x1301,), given=given)
        head = whole[:-len(binders)]
        early = extract(bytes(32), secret)
        key = expand(expand(early, b"res binder", EMPTY), b"finished")
        binder = hmac.new(key, hashlib.sha256(head).digest(), hashlib.sha256).digest()
        self.early_secret = early
        return head + vector(vector(binder, 1), 2)

    def greet(self):
        private = x25519.X25519PrivateKey.generate()
        given = extensions(shares=(X25519,))
        given[KEY_SHARE] = vector(u16(X25519) + vector(private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw), 2), 2)
        given[PSK_MODES] = vector(b"\1", 1)
        self.early_secret = extract(bytes(32), bytes(32))
        self.say(self.with_psk(given) if self.session else hello(suites=(0x1301,), given=given))
        if self.early is not None:
            secret = expand(self.early_secret, b"c e traffic", self.transcript.digest())
            self.socket.sendall(Keys(secret).seal(DATA, self.early))
        return private

    def meet(self, private):
        body = self.next(SERVER_HELLO)
        at, given = 35 + body[34] + 5, {}
        while at < len(body):
            kind, size = struct.unpack(">HH", body[at:at + 4])
            given[kind] = body[at + 4:at + 4 + size]
            at += 4 + size
        self.taken_psk = PSK in given
        if not self.taken_psk:
            self.early_secret = extract(bytes(32), bytes(32))
        shared = private.exchange(x25519.X25519PublicKey.from_public_bytes(given[KEY_SHARE][4:]))
        self.handshake_secret = extract(expand(self.early_secret, b"derived", EMPTY), shared)
        now = self.transcript.digest()
        self.client_secret = expand(self.handshake_secret, b"c hs traffic", now)
        self.server_secret = expand(self.handshake_secret, b"s hs traffic", now)
        self.reading = Keys(self.server_secret)

    def hear(self):
        """The server's flight; what was asked for in its CertificateRequest."""
        self.encrypted_extensions = self.next(ENCRYPTED_EXTENSIONS)
        self.asked = None
        if not self.taken_psk:
            self.asked = self.next(CERTIFICATE_REQUEST)
            self.next(CERTIFICATE)
            self.next(CERTIFICATE_VERIFY)
        finished = self.next(FINISHED)
        key = expand(self.server_secret, b"finished")
        assert finished == hmac.new(key, self.before_finished, hashlib.sha256).digest()
        master = extract(expand(self.handshake_secret, b"derived", EMPTY), bytes(32))
        self.master, now = master, self.transcript.digest()
        self.client_data = expand(master, b"c ap traffic", now)
        self.reading = Keys(expand(master, b"s ap traffic", now))
        self.writing = Keys(self.client_secret)

    def present(self, certificate=None, scheme=ECDSA_P256, digest=None, signer=None,
                spoil=lambda signature: signature):
        """Certificate and CertificateVerify."""
        self.say(certificate or certificate_message(self.chain))
        if not self.key and not signer:
            return
        signed = b" " * 64 + b"TLS 1.3, client CertificateVerify\0" + self.transcript.digest()
        if signer is None:
            signature = self.key.sign(signed, ec.ECDSA(digest or hashes.SHA256()))
        else:
            signature = signer(signed)
        self.say(message(CERTIFICATE_VERIFY, u16(scheme) + vector(spoil(signature), 2)))

    def finish(self, spoil=lambda mac: mac):
        key = expand(self.client_secret, b"finished")
        mac = hmac.new(key, self.transcript.digest(), hashlib.sha256).digest()
        self.say(message(FINISHED, spoil(mac)))
        self.writing = Keys(self.client_data)
        self.resumption = expand(self.master, b"res master", self.transcript.digest())

    def handshake(self, **present):
        self.hear_server()
        if not self.taken_psk:
            self.present(**present)
        self.finish()
        return self

    def hear_server(self):
        self.meet(self.greet())
        self.hear()

    # --- afterwards

    def take(self):
        """One record; tickets are kept, data is added up."""
        kind, content = self.read()
        if kind == DATA:
            self.data += content
            return
        while content:
            size = 4 + int.from_bytes(content[1:4], "big")
            said, content = content[:size], content[size:]
            if said[0] == KEY_UPDATE:
                self.reading = self.reading.update()
            else:
                assert said[0] == NEW_TICKET, said
                self.tickets.append(Ticket(said[4:], self.resumption))

    def request(self, data):
        """(status, whole answer) of an HTTP request."""
        self.send(DATA, data)
        while b"\r\n\r\n" not in self.data:
            self.take()
        head, _, body = self.data.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            before = len(self.data)
            self.take()
            body += self.data[before:]
        self.data = b""
        return int(head.split()[1]), body

    def update_keys(self, ask=False):
        self.send(HANDSHAKE, message(KEY_UPDATE, bytes([ask])))
        self.writing = self.writing.update()

    def end(self):
        """What the server says last."""
        try:
            while True:
                self.take()
        except Alert as alert:
            return alert.number
        except InvalidTag:
            return "another key"

    def close(self):
        self.socket.close()


class Ticket:
    def __init__(self, body, resumption):
        self.lifetime_s = int.from_bytes(body[:4], "big")
        at = 9 + body[8]
        nonce = body[9:at]
        size = int.from_bytes(body[at:at + 2], "big")
        self.ticket, at = body[at + 2:at + 2 + size], at + 2 + size
        self.extensions = body[at + 2:]
        self.session = self.ticket, expand(resumption, b"resumption", nonce)
