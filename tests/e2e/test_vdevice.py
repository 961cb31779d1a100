# SPDX-License-Identifier: Apache-2.0
"""hallmark-vdevice, spoken to by an OEM and a station written in Python.

Nothing of ours is on this side: frames, CBOR (cbor2), signatures, certificates
(python3-cryptography) and HPKE are made here and in counterpart.py, from
docs/protocol.md alone.
Run: VDEVICE=build/device/virtual/hallmark-vdevice pytest tests/e2e/test_vdevice.py
"""
import datetime, json, os, socket, subprocess, tempfile
import cbor2, pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from counterpart import (CHALLENGE, CONFORMANCE, CURVE, DONE, EVIDENCE, HELLO, INFO, PROBLEM,
                         RECEIPT, STAMP, cbor, framed, hpke_seal, open1, point_of, sha256, sign1,
                         unframed, verify)

VDEVICE = os.environ.get("VDEVICE", "build/device/virtual/hallmark-vdevice")
BLANK, READY, STAMPED, COMPLETE = range(4)
SHA = hashes.SHA256()


class Gone(Exception):
    pass


class Slot:
    """A listening slot, and whatever device is in it."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "slot")
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen(1)
        self.server.settimeout(20)

    def insert(self, chip, *faults):
        args = [VDEVICE, "run", "--dir", chip, "--link", "unix:" + self.path, "--timeout-s", "20"]
        for fault in faults:
            args += ["--fault", fault]
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.pipe, _ = self.server.accept()
        self.pipe.settimeout(20)
        self.received = b""

    def receive(self):
        while True:
            frame, zero, rest = self.received.partition(b"\0")
            if zero:
                self.received = rest
                if frame:
                    return unframed(frame)
                continue
            try:
                got = self.pipe.recv(4096)
            except ConnectionError:
                got = b""
            if not got:
                raise Gone
            self.received += got

    def ask(self, kind, body=None):
        try:
            self.pipe.sendall(framed(cbor([kind, body])))
        except ConnectionError:
            raise Gone
        return self.receive()

    def remove(self):
        self.pipe.close()
        self.process.communicate(timeout=20)
        return self.process.returncode


# --- the OEM --------------------------------------------------------------------

class Oem:
    def __init__(self):
        self.key = ec.generate_private_key(CURVE)
        self.issued = {}

    def pem(self):
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def challenge(self, nonce=bytes(32)):
        return cbor({0: 1, 1: "PO-1", 2: nonce, 3: bytes(32)})

    def check(self, body, scheme, nonce=bytes(32)):
        evidence = cbor2.loads(body)
        claims = cbor2.loads(evidence[1])
        assert cbor(claims) == evidence[1] and cbor(evidence) == body
        assert claims[1] == nonce
        binding = sha256(b"hallmark-binding-v1" + evidence[1])
        proof = cbor2.loads(evidence[2])
        if scheme == "soft":
            self.evidence_key = proof[1]
            verify(proof[1], proof[2], binding)
        else:
            self.evidence_key = b"\4" + proof[1]
            self.mpmr = proof[2]
            verify(b"\4" + proof[1], proof[3], proof[2] + b"hallmark-imx-mp-v1" + binding)
            self.r = proof[3][:32]
        identity = serialization.load_der_public_key(claims[4])
        verify(point_of(identity), evidence[3],
               b"hallmark-possession-v1" + evidence[1] + evidence[2])
        return claims, binding

    def certificate(self, identity):
        now = datetime.datetime(2026, 1, 1)
        name = x509.Name([x509.NameAttribute(NameOID.SERIAL_NUMBER, "HM-000001")])
        return x509.CertificateBuilder().subject_name(name).issuer_name(name) \
            .public_key(identity).serial_number(1).not_valid_before(now) \
            .not_valid_after(now + datetime.timedelta(days=9)) \
            .sign(self.key, SHA).public_bytes(serialization.Encoding.DER)

    def stamp(self, claims, binding):
        """The same answer to the same keys."""
        if claims[2] in self.issued:
            return self.issued[claims[2]]
        secrets = cbor([["disk-key", 1, b"s" * 32], ["setup-code", 2, b"12345678"]])
        enc, sealed = hpke_seal(claims[5], b"hallmark-seal-v1" + b"PO-1\0" + claims[2] + binding,
                                cbor(["hallmark-secrets-v1", claims[2], "HM-000001"]), secrets)
        certificate = self.certificate(serialization.load_der_public_key(claims[4]))
        payload = {0: 1, 1: "PO-1", 2: claims[2], 3: binding, 4: bytes(32), 5: claims[6],
                   6: claims[7], 7: "HM-000001", 8: None, 9: certificate, 10: [certificate],
                   11: enc, 12: sealed, 13: None, 14: 1800000000, 15: "log.example"}
        self.issued[claims[2]] = sign1(self.key, b"hallmark-stamp-v1", cbor(payload))
        return self.issued[claims[2]]

    def receipt(self):
        return cbor({0: 1, 1: b"entry", 2: "c2sp.org/tlog-proof@v1\n"})


def vdevice(*args, status=0):
    done = subprocess.run([VDEVICE, *args], capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout) if done.stdout.startswith("{") else None


class Bench:
    def __init__(self, folder):
        self.folder, self.oem, self.slot = folder, Oem(), Slot(folder)
        self.write("firmware", b"an image")
        self.write("stamp.pem", self.oem.pem())

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def fab(self, name, *options):
        return vdevice("fab", "--dir", self.path(name), "--firmware", self.path("firmware"),
                       "--stamp-key", self.path("stamp.pem"), "--json", *options)

    def show(self, name):
        return vdevice("show", "--dir", self.path(name), "--json")

    def evidence(self, name, *faults, scheme="imx-mp"):
        """One evidence of a chip that is then removed."""
        self.slot.insert(self.path(name), *faults)
        kind, body = self.slot.ask(CHALLENGE, self.oem.challenge())
        assert kind == EVIDENCE
        assert self.slot.remove() == 13
        return body

    def provision(self, scheme="imx-mp"):
        """As a station does, from whatever state the device says; its conformance."""
        state = cbor2.loads(self.slot.ask(HELLO)[1])[2]
        conformance = None
        if state < COMPLETE:
            kind, body = self.slot.ask(CHALLENGE, self.oem.challenge())
            assert kind == EVIDENCE
            claims, binding = self.oem.check(body, scheme)
            kind, conformance = self.slot.ask(STAMP, self.oem.stamp(claims, binding))
            assert kind == CONFORMANCE
            identity = point_of(serialization.load_der_public_key(claims[4]))
            said = open1(identity, b"hallmark-conformance-v1", conformance)
            assert said[1] == claims[2] and said[2] == sha256(self.oem.issued[claims[2]])
        assert self.slot.ask(RECEIPT, self.oem.receipt()) == [DONE, None]
        return conformance


@pytest.fixture
def bench():
    with tempfile.TemporaryDirectory() as folder:  # short: a socket's path is
        yield Bench(folder)


@pytest.mark.parametrize("scheme", ["imx-mp", "soft"])
def test_a_chip_is_proven_stamped_and_complete(bench, scheme):
    made = bench.fab("a", "--serial", "1", "--scheme", scheme, "--counter", "3")
    bench.slot.insert(bench.path("a"))
    bench.provision(scheme)
    assert bench.slot.remove() == 0
    assert bench.oem.evidence_key.hex() == made["evidence_key"]
    shown = bench.show("a")
    assert shown["state"] == "complete" and shown["serial"] == "HM-000001"
    assert shown["device_id"] == sha256(b"VDEVICE\0" + (1).to_bytes(8, "big")).hex()
    assert [(s["name"], s["kind"], s["bytes"]) for s in shown["secrets"]] == \
        [("disk-key", "random", 32), ("setup-code", "passcode", 8)]
    vdevice("show", "--dir", bench.path("a"), "--secret", "disk-key", "--out", bench.path("key"))
    assert open(bench.path("key"), "rb").read() == b"s" * 32
    assert os.stat(bench.path("key")).st_mode & 0o777 == 0o600
    vdevice("export", "--dir", bench.path("a"), "--certificate", bench.path("cert"),
            "--entry", bench.path("entry"), "--receipt", bench.path("receipt"))
    assert x509.load_der_x509_certificate(open(bench.path("cert"), "rb").read())
    assert open(bench.path("entry"), "rb").read() == b"entry"


def test_secrets_are_never_printed(bench):
    bench.fab("a")
    bench.slot.insert(bench.path("a"))
    bench.provision()
    bench.slot.remove()
    for flags in [], ["--json"], ["--verbose"]:
        done = subprocess.run([VDEVICE, "show", "--dir", bench.path("a"), *flags],
                              capture_output=True)
        assert b"ssss" not in done.stdout + done.stderr
        assert b"73737373" not in done.stdout + done.stderr
        assert b"12345678" not in done.stdout + done.stderr
    vdevice("show", "--dir", bench.path("a"), "--secret", "disk-key", status=2)


def test_power_may_go_at_every_step(bench):
    """Every system call that writes, every answer: torn, then again and complete."""
    step, status = 0, 85
    while status == 85:
        step += 1
        name = f"chip{step}"
        bench.fab(name, "--serial", str(step))
        bench.slot.insert(bench.path(name), f"power-cut={step}")
        first = None
        try:
            first = bench.provision()
        except Gone:
            pass
        status = bench.slot.remove()
        if status != 85:
            break
        bench.slot.insert(bench.path(name))
        bench.provision()
        assert bench.slot.remove() == 0, f"step {step}"
        assert bench.show(name)["state"] == "complete"
        assert not [f for f in os.listdir(bench.path(name) + "/nvm") if f.startswith(".")]
        stamp = bench.oem.issued[bytes.fromhex(bench.show(name)["device_id"])]
        assert bench.show(name)["stamp"] == sha256(stamp).hex()
    assert status == 0 and step > 30


def test_keys_stay_over_a_cut_and_a_clone_has_others(bench):
    made = bench.fab("a")
    before = bench.oem.check(bench.evidence("a"), "imx-mp")[0]
    after = bench.oem.check(bench.evidence("a"), "imx-mp")[0]
    assert (before[4], before[5]) == (after[4], after[5])
    vdevice("clone", "--from", bench.path("a"), "--dir", bench.path("b"), "--json")
    clone = bench.oem.check(bench.evidence("b"), "imx-mp")[0]
    assert clone[2] == before[2] and clone[4] != before[4]
    assert bench.oem.evidence_key.hex() != made["evidence_key"]
    vdevice("clone", "--from", bench.path("a"), "--dir", bench.path("c"), "--with-secret")
    clone = bench.oem.check(bench.evidence("c"), "imx-mp")[0]
    assert clone[4] != before[4]
    assert bench.oem.evidence_key.hex() == made["evidence_key"]


def test_chips_of_a_family_share_their_evidence_key(bench):
    keys = {bench.fab(n, "--family", "imx8")["evidence_key"] for n in "ab"}
    assert len(keys) == 1 and bench.fab("c")["evidence_key"] not in keys


def test_an_open_chip_has_the_key_that_everybody_knows(bench):
    bench.fab("a", "--open")
    claims, _ = bench.oem.check(bench.evidence("a"), "imx-mp")
    assert claims[8] == 0
    order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
    scalar = int.from_bytes(sha256(b"hallmark-vdevice-open-mpmanufacturing protection"), "big")
    known = ec.derive_private_key(scalar % (order - 1) + 1, CURVE)
    assert bench.oem.evidence_key == point_of(known.public_key())
    assert bench.oem.mpmr == b"value to fill the MPMR content\0\0"


def test_faults_of_evidence(bench):
    bench.fab("a", "--mpmr", "11" * 32)
    good = bench.evidence("a", "record=" + bench.path("old"))
    claims = bench.oem.check(good, "imx-mp")[0]
    assert bench.oem.mpmr == b"\x11" * 32
    assert open(bench.path("old"), "rb").read() == good
    bench.oem.check(bench.evidence("a", "wrong-mpmr"), "imx-mp")
    assert bench.oem.mpmr != b"\x11" * 32
    wrong = bench.oem.check(bench.evidence("a", "wrong-release"), "imx-mp")[0]
    assert wrong[6] != claims[6]
    assert bench.evidence("a", "replay=" + bench.path("old")) == good
    with pytest.raises(Exception):
        bench.oem.check(bench.evidence("a", "alter-claims"), "imx-mp")
    bench.oem.check(bench.evidence("a", "reuse-r"), "imx-mp")
    first = bench.oem.r
    bench.fab("b")
    bench.oem.check(bench.evidence("b", "reuse-r"), "imx-mp")
    assert bench.oem.r == first


def test_faults_of_the_link(bench):
    bench.fab("a")
    bench.slot.insert(bench.path("a"), "corrupt-link=2")
    assert bench.slot.ask(HELLO)[0] == INFO
    assert bench.slot.ask(HELLO) is None
    assert bench.slot.ask(HELLO)[0] == INFO
    assert bench.slot.remove() == 13
    bench.slot.insert(bench.path("a"), "deaf")
    bench.slot.pipe.settimeout(0.3)
    with pytest.raises(socket.timeout):
        bench.slot.ask(HELLO)
    assert bench.slot.remove() == 13


def test_a_terminal_is_a_link_as_well(bench):
    bench.fab("a")
    master, slave = os.openpty()
    process = subprocess.Popen([VDEVICE, "run", "--dir", bench.path("a"), "--link",
                                "pty:" + os.ttyname(slave)], stdout=subprocess.DEVNULL)
    got = b""
    while got.count(b"\0") < 2:  # what came before raw mode was set is noise
        os.write(master, framed(cbor([HELLO, None])))
        got += os.read(master, 4096)
    assert unframed(got.split(b"\0")[1])[0] == INFO
    os.close(slave)
    os.close(master)
    assert process.wait(timeout=20) == 13


@pytest.mark.parametrize("change, error", [
    (lambda s, o: sign1(ec.generate_private_key(CURVE), b"hallmark-stamp-v1",
                        cbor2.loads(s).value[2]), 2301),
    (lambda s, o: sign1(o.key, b"hallmark-object-v1", cbor2.loads(s).value[2]), 2301),
    (lambda s, o: s[:200] + bytes([s[200] ^ 1]) + s[201:], 2301),
    (lambda s, o: s[:-1], 5201)])
def test_a_stamp_that_is_not_right_is_refused(bench, change, error):
    bench.fab("a")
    bench.slot.insert(bench.path("a"))
    claims, binding = bench.oem.check(bench.slot.ask(CHALLENGE, bench.oem.challenge())[1], "imx-mp")
    stamp = bench.oem.stamp(claims, binding)
    kind, body = bench.slot.ask(STAMP, change(stamp, bench.oem))
    assert kind == PROBLEM and cbor2.loads(body)[1] == error
    assert cbor2.loads(bench.slot.ask(HELLO)[1])[5] == error
    assert bench.slot.ask(STAMP, stamp)[0] == CONFORMANCE
    bench.slot.remove()


@pytest.mark.parametrize("args", [
    ["fab", "--uid", "abc"], ["fab", "--mpmr", "11"], ["run", "--link", "tcp:1", "--dir", "/none"],
    ["run", "--link", "fd:0", "--dir", "/none", "--fault", "power-cut=0"],
    ["run", "--link", "fd:0", "--dir", "/none", "--fault", "explode"]])
def test_what_is_not_understood_is_a_usage_error(bench, args):
    if args[0] == "fab":
        args = args + ["--dir", bench.path("x"), "--firmware", bench.path("firmware"),
                       "--stamp-key", bench.path("stamp.pem")]
    if "tcp:1" in args:
        bench.fab("a")
        args = [bench.path("a") if a == "/none" else a for a in args]
    vdevice(*args, status=2)
    assert not os.path.exists(bench.path("x"))
