# SPDX-License-Identifier: Apache-2.0
"""Devices that run Linux and talk to the server themselves.

A real hallmarkd with SoftHSM; hallmark-device over HTTPS with its keys in software, in a
TPM (swtpm) and in a PKCS#11 token. Its certificates are by a CA of their own, written
with python3-cryptography.
"""
import datetime, hashlib, json, os, random, signal, socket, ssl, subprocess, threading, time

import cbor2, pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import line
from line import BUILD, DEADLINE_S, Factory, MODULE, free_port, until

DEVICE = BUILD + "/device/port/linux/hallmark-device"
REFUSED = {"HM-5103": 7}


class Maker:
    """A CA of python3-cryptography's, for devices."""

    def __init__(self, name="Device CA"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self.sign(self.name, self.key.public_key(), True)

    def sign(self, subject, key, ca=False, usage=ExtendedKeyUsageOID.CLIENT_AUTH, host=None):
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
                   .public_key(key).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=100))
                   .add_extension(x509.BasicConstraints(ca, 0 if ca else None), True)
                   .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca,
                                                False, False), True))
        if not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
        if host:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        return builder.sign(self.key, hashes.SHA256())

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def answer(self, request):
        """The certificate that a request asks for, which must be signed by its key."""
        request = x509.load_der_x509_csr(request)
        assert request.is_signature_valid
        return self.sign(request.subject, request.public_key()).public_bytes(
            serialization.Encoding.PEM)


class Line(Factory):
    """A factory whose server has a door for devices."""

    def __init__(self):
        self.door = free_port()
        self.maker = Maker()
        self.made = 0
        super().__init__(options=f"""devices:
  listen: "127.0.0.1:{self.door}"
  client_ca: "device-ca.pem"
""")
        self.write("device-ca.pem", self.maker.pem())

    def make_certificate(self, name, profile, days=300, env=None):
        if profile != "server":
            return super().make_certificate(name, profile, days, env)
        return self.hallmark(
            "ca", "issue", profile, "--subject", name, "--days", str(days), "--key-out",
            name + ".key", "--out", name + ".pem", "--module", MODULE,
            "--issuer-certificate", "line.pem", "--issuer-token", line.SERVER, "--issuer-key",
            "pkcs11:object=line", "--issuer-pin", "file:pin", "--host", "127.0.0.1", "--host",
            "localhost", env=env)

    def used(self, order):
        return json.loads(self.planner("order", "show", order, "--json").stdout)


class Linux:
    """One device: a folder and a program."""

    def __init__(self, factory, order, keys="soft", program=(DEVICE,), **given):
        factory.made += 1
        self.factory, self.program = factory, program
        self.name = f"gateway-{factory.made}"
        self.order = order
        self.env = dict(factory.env, **given.pop("env", {}))
        fields = {"folder": self.name, "server": f"localhost:{factory.door}",
                  "address": "127.0.0.1", "server_ca": "line.pem",
                  "certificate": self.name + ".pem", "stamp_key": "stamp.pub", "order": order,
                  "unique_id": self.name + ".id", "firmware": "soft-1.bin", "lock": "closed",
                  "counter": "1", "keys": keys}
        fields.update(given)
        factory.write(self.name + ".id", f"serial-{self.name}\n")
        self.fields = fields
        self.write()

    def write(self, **changed):
        self.fields.update(changed)
        self.factory.write(self.name + ".conf", "# a device\n" + "".join(
            f"{key} = {value}\n" for key, value in self.fields.items()))

    def run(self, *words, status=0):
        done = subprocess.run([*self.program, self.name + ".conf", *words],
                              cwd=self.factory.dir, env=self.env, capture_output=True,
                              timeout=DEADLINE_S, check=False)
        assert status is None or done.returncode == status, (words, done)
        return done

    def json(self, *words):
        return json.loads(self.run(*words).stdout)

    def refused(self, *words):
        """The id of the error that it ends with."""
        done = self.run(*words, status=None)
        assert done.returncode != 0 and done.stdout == b"", done
        return done.stderr.decode().strip().splitlines()[-1].strip()

    def born(self, maker=None):
        """Keys, and a certificate for them."""
        shown = self.json("init")
        assert self.json("init") == shown  # made once
        request = self.run("request", self.name).stdout
        self.factory.write(self.name + ".pem", (maker or self.factory.maker).answer(request))
        return shown

    def register(self, role="device", order=None):
        words = ["--order", order or self.order] if role == "device" else []
        self.factory.planner("station", "create", self.name, "--role", role, "--certificate",
                             self.name + ".pem", "--until", line.utc(365), *words)

    def ready(self, **given):
        self.born()
        self.register(**given)
        return self


@pytest.fixture(scope="module")
def factory():
    factory = Line()
    try:
        factory.start()
        factory.open_up()
        yield factory
    except BaseException:
        print(factory.tail())
        raise
    finally:
        factory.close()


def order(factory, quota=1, **given):
    return factory.order("soft", "soft-1", quota=quota, **given)


def check_made(factory, device, shown):
    """What the device says, the server and the log say too."""
    assert shown["state"] == "complete"
    seen = factory.client("auditor").json("/v1/device/" + shown["device_id"])
    assert seen["state"] == "confirmed" and seen["order"] == device.order
    assert seen["station"] == device.name
    assert len(device.run("secret", "disk-key").stdout) == 32
    assert len(device.run("secret", "setup-code").stdout) == 8
    assert device.run("secret", "fleet-key").stdout == factory.fleet_key
    assert device.refused("secret", "none").startswith("HM-")


def test_makes_itself_and_is_counted_once(factory):
    device = Linux(factory, order(factory)).ready()
    shown = device.json("provision")
    check_made(factory, device, shown)
    assert shown["connections"] == 1
    again = device.json("provision")  # nothing is left to do
    assert again["state"] == "complete" and again["connections"] == 0
    counts = factory.used(device.order)
    assert (counts["used"], counts["confirmed"], counts["left"]) == (1, 1, 0)
    assert factory.audit()["consistent"]


def test_figures_of_one_provisioning(factory):
    """The bytes and turns of docs/performance.md."""
    shown = Linux(factory, order(factory)).ready().json("provision")
    assert shown["round_trips"] == 6  # TCP 1, TLS 1.2 two, three calls
    assert shown["sent"] + shown["received"] < 12288
    print({k: shown[k] for k in ("sent", "received", "round_trips")})
