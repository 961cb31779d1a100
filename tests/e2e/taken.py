# SPDX-License-Identifier: Apache-2.0
"""taken - in the place of a front or of the keeper of a running server

The server is hallmarkd-taken (tools/taken.c): its processes call here when they start. Those
that a test has asked for become ours: we have their channels and send on them what we like.
All others are the real programs, with their jails.
"""
import contextlib, os, queue, signal, socket, ssl, struct, threading

from counterpart import IMX_MP, cbor, point_of, sha256, sign
from line import DEADLINE_S, TAKEN, Factory, until

PATIENCE_S = 40  # an answer comes within
QUARANTINE = {"ASAN_OPTIONS": "quarantine_size_mb=16"}  # so that memory tells something


class Gone(Exception):
    """Who was asked is not there any more."""


class Answer:
    def __init__(self, layout, message):
        head = layout.sizes["ask_head"]
        self.kind, self.id, self.error, tail = (layout.get("ask_head", name, message) for name in
                                                ("kind", "id", "err", "tail"))
        rule = layout.rules[self.kind]
        assert len(message) == head + rule.answer + tail
        self.body, self.tail = message[head:head + rule.answer], message[head + rule.answer:]

    def parts(self, layout, struct_name, *names):
        """The tail, cut as the struct of the answer says."""
        found, at = [], 0
        for name in names:
            length = layout.get(struct_name, name, self.body)
            found.append(self.tail[at:at + length])
            at += length
        assert at == len(self.tail)
        return found


class Rule:
    def __init__(self, words):
        self.kind, self.by, self.request, self.request_tail, self.answer, self.answer_tail = \
            map(int, words[:6])
        self.name = " ".join(words[6:])


class Layout:
    """Rules and structs of the asks of this build, as the process told them."""

    def __init__(self, lines):
        self.rules, self.kinds, self.fields, self.sizes = {}, {}, {}, {}
        for line in lines:
            what, *words = line.split(" ")
            if what == "rule":
                rule = Rule(words)
                self.rules[rule.kind] = self.kinds[rule.name] = rule
            elif what == "field":
                self.fields[words[0], words[1]] = int(words[2]), int(words[3])
            elif what == "size":
                self.sizes[words[0]] = int(words[1])

    def put(self, struct_name, length, values):
        body = bytearray(length)
        for name, value in values.items():
            at, size = self.fields[struct_name, name]
            if isinstance(value, int):
                value = (value % 2 ** (8 * size)).to_bytes(size, "little")
            elif isinstance(value, str):
                value = value.encode()
            assert len(value) <= size
            body[at:at + len(value)] = value
        return bytes(body)

    def get(self, struct_name, name, data):
        at, size = self.fields[struct_name, name]
        return int.from_bytes(data[at:at + size], "little")


STRUCTS = {"peer": "ask_peer", "challenge": "ask_challenge", "issue": "ask_issue",
           "confirm": "ask_confirm", "void": "ask_from", "object": "ask_from",
           "order": "ask_order", "device": "ask_device", "quarantine": "ask_quarantine",
           "crl": "ask_part", "file": "ask_part", "sign issue": "ask_sign_issue",
           "sign checkpoint": "ask_sign_checkpoint", "sign crl": "ask_sign_crl",
           "sign crl rest": "ask_sign_crl_rest"}


class Channel:
    """A way to ask another process, raw. All that ever came back is kept."""

    def __init__(self, layout, descriptor):
        self.layout, self.last, self.received = layout, 0, []
        self.pipe = socket.socket(fileno=descriptor)
        self.pipe.settimeout(PATIENCE_S)

    def message(self, name, tail=b"", ident=None, **values):
        """A request by its rule; the fields of its struct by name, the rest is zeros. Dots in
        the names of fields are written as __."""
        rule, self.last = self.layout.kinds[name], self.last + 1
        values = {key.replace("__", "."): value for key, value in values.items()}
        body = self.layout.put(STRUCTS.get(name), rule.request, values)
        return self.frame(rule.kind, body + tail, len(tail), self.last if ident is None else ident)

    def frame(self, kind, body, tail=0, ident=1, err=0, length=None):
        head = self.layout.sizes["ask_head"]
        return self.layout.put("ask_head", head, {
            "kind": kind, "len": head + len(body) if length is None else length, "id": ident,
            "err": err, "tail": tail}) + body

    def send(self, message, descriptors=()):
        try:
            if descriptors:
                socket.send_fds(self.pipe, [message], descriptors)
            else:
                self.pipe.send(message)
        except (BrokenPipeError, ConnectionResetError) as gone:
            raise Gone from gone

    def receive(self):
        try:
            message = self.pipe.recv(1 << 17)
        except ConnectionResetError as gone:
            raise Gone from gone
        if not message:
            raise Gone
        self.received.append(message)
        return Answer(self.layout, message)

    def ask(self, name, tail=b"", **values):
        self.send(self.message(name, tail, **values))
        answer = self.receive()
        assert answer.id == self.last
        return answer

    def storm(self, messages):
        """All of them as fast as they are taken; the answers, in any order."""
        answers = []
        reader = threading.Thread(
            target=lambda: answers.extend(self.receive() for _ in messages))
        reader.start()
        for message in messages:
            self.send(message)
        reader.join(PATIENCE_S * 2)
        assert len(answers) == len(messages)
        return answers

    def is_gone(self):
        """Has the other side closed? What it still said is read."""
        try:
            while True:
                self.receive()
        except Gone:
            return True

    def close(self):
        self.pipe.close()


def pid_behind(line):
    return struct.unpack("3i", line.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))[0]


class Taken:
    """One process that is ours."""

    def __init__(self, line, layout, nonce_key, channels):
        self.line, self.nonce_key = line, nonce_key
        self.pid = pid_behind(line)
        self.channels = [Channel(layout, fd) for fd in channels]
        self.channel, self.layout = self.channels[0], layout

    def leave(self):
        """The process ends as after a crash."""
        for end in [*self.channels, self.line]:
            end.close()


class Seat:
    """Who waits for the processes of a server, and keeps those that it wants."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.listener.listen(16)
        self.path, self.wanted, self.others, self.got = path, {}, set(), queue.Queue()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            # at any moment of this it may be killed with its server
            with contextlib.suppress(ConnectionError):
                self.welcome(line)

    def welcome(self, line):
        hello, descriptors, _, _ = socket.recv_fds(line, 1 << 15, 8)
        if not hello:
            line.close()
            return
        role, nonce, *lines = hello.decode().splitlines()
        if self.wanted.get(role, 0) < 1 or pid_behind(line) in self.others:
            for fd in descriptors:
                os.close(fd)
            with line:
                line.send(b"real")
            return
        line.send(b"mine")
        self.wanted[role] -= 1
        self.got.put(Taken(line, Layout(lines), bytes.fromhex(nonce[6:]), descriptors))

    def take(self, role, others=()):
        """The next process of this role that starts is ours, unless it is one of these."""
        self.others = set(others)
        self.wanted[role] = 1

    def taken(self):
        return self.got.get(timeout=DEADLINE_S)


class TakenFactory(Factory):
    """A factory whose server can be taken over; it has two fronts."""

    def __init__(self, **options):
        super().__init__(program=TAKEN, options="fronts: 2\n", **options)
        self.seat = Seat(self.path("seat"))

    def start_only(self, env=None):
        super().start_only(dict(QUARANTINE, TAKEN=self.seat.path, **(env or {})))

    def seize(self, role):
        """Start the server, or start it anew, with one process of this role ours."""
        if self.server is None:
            self.seat.take(role)
            self.start_only()
            return self.seat.taken()
        self.wait_ready()  # or a start that is under way would be what we take
        before = self.processes()
        self.seat.take(role, before)
        for pid in before:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return self.seat.taken()

    def let_go(self, process):
        """One that was ours ends, and with it all that were started with it."""
        before = self.processes() if self.server else {}
        process.leave()
        if process.pid in before:
            until(lambda: not set(before) & set(self.processes()), "all others end")

    def client(self, name=None):
        """It comes again until the front is a real one: the kernel gives it to either."""
        found = super().client(name)
        connect = found.connect

        def patient():
            def connected():
                try:
                    connect()
                    return True
                except ssl.SSLCertVerificationError:
                    raise
                except OSError:
                    return False
            until(connected, "a front serves")
        found.connect = patient
        return found

    def pid_of(self, role):
        return next(pid for pid, name in self.processes().items() if name == role)


def published(factory):
    """The ledger as far as it is now, once that is on disk."""
    entries = factory.client("planner").json("/healthz")["entries"]

    def whole():
        ledger = factory.ledger()
        return ledger if len(ledger.raw) >= entries else None
    return until(whole, "the ledger is published")


def case_of(device, nonce, **alter):
    """The fields of a struct attest_case: what a device says, made as a device makes it, and
    what a liar then writes over it."""
    claims = device.claims(nonce)
    device.binding = sha256(b"hallmark-binding-v1" + cbor(claims))
    proof = device.prove(device.binding)
    fields = {
        "kase.claims.nonce": nonce, "kase.claims.device_id": device.id,
        "kase.claims.scheme": device.scheme,
        "kase.claims.identity": point_of(device.identity.public_key()),
        "kase.claims.kem": point_of(device.kem.public_key()),
        "kase.claims.release": device.release, "kase.claims.counter": device.counter,
        "kase.claims.lock": device.lock,
        "kase.possession": sign(device.identity, b"hallmark-possession-v1" + cbor(claims)
                                + cbor(proof))}
    if device.scheme == IMX_MP:
        fields |= {"kase.proof.imx_mp.key": proof[1], "kase.proof.imx_mp.mpmr": proof[2],
                   "kase.proof.imx_mp.signature": proof[3]}
    else:
        fields |= {"kase.proof.soft.key": proof[1], "kase.proof.soft.signature": proof[2]}
    return fields | alter


def memory_of(pid):
    """Resident bytes."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
