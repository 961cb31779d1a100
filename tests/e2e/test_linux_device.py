# SPDX-License-Identifier: Apache-2.0
"""Devices that run Linux and talk to the server themselves.

A real hallmarkd with SoftHSM; hallmark-device over HTTPS with its keys in software, in a
TPM (swtpm) and in a PKCS#11 token. Its certificates are by a CA of their own, written
with python3-cryptography.
"""
import contextlib, datetime, fcntl, json, os, random, signal, socket, ssl, subprocess, threading

import cbor2, pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import line
from line import BUILD, DEADLINE_S, Factory, MODULE, free_port, until

DEVICE = BUILD + "/device/port/linux/hallmark-device"
CUT = BUILD + "/tests/e2e/tools/cut.so"
ARM64 = "qemu-aarch64-static", BUILD + "/device/port/linux/hallmark-device-arm64"
ARM64_ROOT = os.environ.get("ARM64_ROOT") or "-"
ARM64_HARDWARE = (ARM64[0], "-L", ARM64_ROOT,
                  BUILD + "/device/port/linux/hallmark-device-arm64-hardware")
STEPS = 120  # more than one provisioning has
NO_TLS, NOT_REACHED, TOO_LATE = "HM-5103", "HM-5101", "HM-5102"
RIGHTS, UNKNOWN, OTHER_ORDER, NO_ORDER = "HM-6201", "HM-6202", "HM-6112", "HM-6110"


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


class Tpm:
    """swtpm with a state of its own."""

    def __init__(self, folder):
        self.folder, self.socket = folder, folder + "/s"
        os.mkdir(folder, 0o700)
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + folder, "--server",
             "type=unixio,path=" + self.socket, "--ctrl",
             f"type=unixio,path={self.socket}.ctrl", "--flags", "not-need-init,startup-clear"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: os.path.exists(self.socket), "swtpm listens")

    def keys(self):
        return "tpm:swtpm:path=" + self.socket

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=DEADLINE_S)


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


def token_of(factory):
    """A token of its own for one device."""
    name = f"element-{factory.made}"
    factory.hallmark("hsm", "init", name, "--module", MODULE, "--pin", "file:pin", "--so-pin",
                     "file:so-pin")
    return {"keys": "pkcs11:" + name, "module": MODULE, "pin": "pin",
            "env": {"ASAN_OPTIONS": "detect_leaks=0"}}  # SoftHSM's own


@pytest.fixture(params=["soft", "tpm", "pkcs11", "arm64", "arm64 tpm", "arm64 pkcs11"])
def home(request, factory):
    """Where a device's keys live: what a Linux() needs to be told."""
    other = {}
    if request.param.startswith("arm64 "):
        if not os.path.isdir(ARM64_ROOT):
            pytest.skip("not built: tools/fetch-arm64")
        other = {"program": ARM64_HARDWARE}
    if request.param.endswith("tpm"):
        tpm = Tpm(factory.path(f"tpm{factory.made}"))
        yield {"keys": tpm.keys(), "counter": "keys"} | other
        tpm.close()
    elif request.param.endswith("pkcs11"):
        token = token_of(factory)
        if other:
            token["module"] = ARM64_ROOT + "/usr/lib/softhsm/libsofthsm2.so"
        yield token | other
    elif request.param == "arm64":
        if not os.path.exists(ARM64[1]):
            pytest.skip("not built: aarch64-linux-gnu-gcc, tools/fetch-sources bearssl")
        yield {"program": ARM64}
    else:
        yield {}


def ready(factory, quota=1, **home):
    device = Linux(factory, order(factory, quota), **home).ready()
    if home.get("counter") == "keys":
        device.run("raise", "1")
    return device


def test_makes_itself_and_is_counted_once(factory, home):
    device = ready(factory, **home)
    shown = device.json("provision")
    check_made(factory, device, shown)
    assert shown["connections"] == 1
    again = device.json("provision")  # nothing is left to do
    assert again["state"] == "complete" and again["connections"] == 0
    counts = factory.used(device.order)
    assert (counts["used"], counts["confirmed"], counts["left"]) == (1, 1, 0)
    assert factory.audit()["consistent"]


def test_nothing_in_the_folder_is_secret_with_keys_in_hardware(factory, home):
    if "keys" not in home:
        pytest.skip("software keys are in the folder")
    device = ready(factory, **home)
    device.json("provision")
    secret = device.run("secret", "disk-key").stdout
    folder = factory.path(device.name)
    for name in os.listdir(folder):
        assert secret not in factory.read(device.name, name), name
        assert os.stat(os.path.join(folder, name)).st_mode & 0o777 == 0o600
    sealed = bytearray(factory.read(device.name, "secrets"))
    for at in 0, 1, 64, 65, len(sealed) - 1:  # point, ciphertext, tag
        sealed[at] ^= 1
        factory.write(device.name + "/secrets", bytes(sealed), 0o600)
        assert device.refused("secret", "disk-key") == "HM-2303"
        sealed[at] ^= 1
    factory.write(device.name + "/secrets", bytes(sealed), 0o600)
    assert device.run("secret", "disk-key").stdout == secret


def test_a_folder_without_its_tpm_is_worth_nothing(factory):
    one, other = Tpm(factory.path("tpm-one")), Tpm(factory.path("tpm-other"))
    device = ready(factory, keys=one.keys(), counter="keys")
    device.json("provision")
    device.write(keys=other.keys(), counter="1")
    assert device.refused("secret", "disk-key") == "HM-2303"
    one.close()
    other.close()


def test_the_counter_of_a_tpm_only_grows(factory):
    tpm = Tpm(factory.path("tpm-counter"))
    device = Linux(factory, "PO-0", keys=tpm.keys(), counter="keys")
    assert device.json("init")["counter"] == 0
    for asked, stands in (3, 3), (2, 3), (3, 3), (5, 5):
        device.run("raise", str(asked))
        assert device.json("show")["counter"] == stands
    assert device.json("init")["counter"] == 5
    device.write(folder="elsewhere")  # it is the TPM's, not the folder's
    assert device.json("init")["counter"] == 5
    tpm.close()


def test_figures_of_one_provisioning(factory):
    """The bytes and turns of docs/performance.md."""
    shown = Linux(factory, order(factory)).ready().json("provision")
    assert shown["round_trips"] == 6  # TCP 1, TLS 1.2 two, three calls
    assert shown["sent"] + shown["received"] < 6144
    print({k: shown[k] for k in ("sent", "received", "round_trips")})


# ---- refusals: nothing changes ----

def nothing_was_made(factory, *devices):
    for device in devices:
        counts = factory.used(device.order)
        assert (counts["used"], counts["reserved"]) == (0, 0)
        assert device.json("show")["state"] in ("blank", "ready")


def test_without_a_credential_or_with_a_revoked_one_nothing_happens(factory):
    device = Linux(factory, order(factory))
    device.born()
    assert device.refused("provision") == UNKNOWN
    device.register()
    factory.planner("station", "revoke", device.name, "--reason", "stolen")
    assert device.refused("provision") == UNKNOWN
    nothing_was_made(factory, device)


@pytest.mark.parametrize("role", ["station", "auditor", "planner"])
def test_another_role_is_refused_at_the_devices_door(factory, role):
    device = Linux(factory, order(factory))
    device.order = factory.order("soft", "soft-1", stations=f'["{device.name}"]')
    device.write(order=device.order)
    device.ready(role=role)
    assert device.refused("provision") == RIGHTS
    nothing_was_made(factory, device)


def test_another_order_is_refused(factory):
    device = Linux(factory, order(factory)).ready()
    mine = device.order
    for name, error in (order(factory), OTHER_ORDER), ("none", NO_ORDER):
        device.write(order=name)
        assert device.refused("provision") == error
        if error == OTHER_ORDER:
            assert factory.used(name)["used"] == 0
    device.write(order=mine)
    device.json("provision")


def test_a_certificate_of_somebody_else_is_refused(factory):
    """Foreign CA; a station's CA; the certificate of another device; one for servers."""
    device = Linux(factory, order(factory))
    device.born(Maker())
    device.register()
    assert device.refused("provision") == NO_TLS
    factory.write(device.name + ".pem", factory.read("BENCH.pem"))
    assert device.refused("provision") == NO_TLS
    other = Linux(factory, order(factory)).ready()
    factory.write(device.name + ".pem", factory.read(other.name + ".pem"))
    assert device.refused("provision") == NO_TLS
    nothing_was_made(factory, device, other)


def test_a_device_is_no_client_at_the_lines_door(factory):
    device = Linux(factory, order(factory)).ready()
    device.write(server=f"localhost:{factory.port}")
    assert device.refused("provision") == NO_TLS  # TLS 1.3 only, another CA
    nothing_was_made(factory, device)


def python_client(factory, name):
    """An attacker with a device's files: any message, by TLS 1.3 at the devices' door."""
    return line.Client(factory.door, factory.path("line.pem"), factory.path(name + ".pem"),
                       factory.path(name + ".key"))


def python_device(factory, made, order_name):
    """A device in Python with a credential: (client, its keys)."""
    name = f"python-{made}"
    device = line.soft(factory)
    request = (x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .sign(device.identity, hashes.SHA256()))
    factory.write(name + ".pem", factory.maker.answer(
        request.public_bytes(serialization.Encoding.DER)))
    factory.write(name + ".key", device.identity.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    factory.planner("station", "create", name, "--role", "device", "--certificate",
                    name + ".pem", "--until", line.utc(365), "--order", order_name)
    return python_client(factory, name), device


def refusal(call, *words):
    with pytest.raises(line.Refused) as refused:
        call(*words)
    return f"HM-{refused.value.error}"


def test_device_a_cannot_act_for_device_b(factory):
    name = order(factory, 2)
    a, keys_a = python_device(factory, "a", name)
    b, keys_b = python_device(factory, "b", name)
    # With B's keys and evidence, but A's connection.
    assert refusal(a.issue, name, keys_b.evidence(a.challenge(name))) == RIGHTS
    assert factory.used(name)["used"] == 0
    issued = b.issue(name, keys_b.evidence(b.challenge(name)))
    keys_b.take(cbor2.loads(issued)[1], factory.stamp_key)
    assert refusal(a.confirm, name, keys_b.conformance()) == RIGHTS
    counts = factory.used(name)
    assert (counts["used"], counts["confirmed"]) == (1, 0)
    b.confirm(name, keys_b.conformance())
    line.make_device(a, factory, name, keys_a)
    assert factory.used(name)["confirmed"] == 2


def test_a_device_finds_nothing_else(factory):
    """All routes of the server, at the door of the devices."""
    name = order(factory)
    client, _ = python_device(factory, "c", name)
    for path in ("/v1/whoami", "/v1/order/" + name, "/v1/crl", "/checkpoint", "/v1/growth?from=0",
                 "/tile/0/000", "/v1/quarantine", "/healthz", "/v1/device/" + 64 * "0",
                 "/v1/release/soft/soft-1", "/v1/manifest/soft/soft-1"):
        assert client.refusal("GET", path).status in (404, 405), path
    for path in "/v1/object", "/v1/void":
        assert client.refusal("POST", path, b"\xa0", "application/cbor").status == 404, path


def served_by(factory, certificate, key, maker):
    """A server of somebody else that takes any client; counts who got through."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(factory.path(certificate), factory.path(key))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(factory.path(maker))
    listener = socket.create_server(("127.0.0.1", 0))
    through = []

    def serve():
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(raw, server_side=True) as connection:
                    through.append(connection.recv(1))
            except OSError:
                pass
    threading.Thread(target=serve, daemon=True).start()
    return listener, through


def test_a_server_of_somebody_else_hears_nothing(factory):
    """Another CA; the right CA, but another name, or a client's certificate."""
    device = Linux(factory, order(factory)).ready()
    foreign = Maker("Foreign CA")
    key = ec.generate_private_key(ec.SECP256R1())
    factory.write("foreign.key", key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    factory.write("foreign.pem", foreign.sign(
        foreign.name, key.public_key(), usage=ExtendedKeyUsageOID.SERVER_AUTH, host="localhost")
        .public_bytes(serialization.Encoding.PEM))
    factory.hallmark("ca", "issue", "server", "--subject", "else", "--days", "30", "--key-out",
                     "else.key", "--out", "else.pem", "--module", MODULE, "--issuer-certificate",
                     "line.pem", "--issuer-token", line.SERVER, "--issuer-key",
                     "pkcs11:object=line", "--issuer-pin", "file:pin", "--host", "elsewhere.example")
    for name in "foreign", "else", "BENCH":
        listener, through = served_by(factory, name + ".pem", name + ".key", "device-ca.pem")
        device.write(server=f"localhost:{listener.getsockname()[1]}")
        assert device.refused("provision") == NO_TLS, name
        listener.close()
        assert through in ([], [b""]), name  # no request
    nothing_was_made(factory, device)
    device.write(server=f"localhost:{factory.door}")
    device.json("provision")


def test_a_silent_server_holds_nobody(factory):
    device = Linux(factory, order(factory), timeout_ms="300").ready()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        device.write(server=f"localhost:{listener.getsockname()[1]}")
        assert device.refused("provision") == TOO_LATE
    device.write(server=f"localhost:{free_port()}")
    assert device.refused("provision") == NOT_REACHED


def test_two_programs_are_not_one_device(factory):
    device = Linux(factory, order(factory)).ready()
    folder = os.open(factory.path(device.name), os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)  # as another one holds it
    assert device.refused("show") == "HM-2303"
    os.close(folder)
    device.json("show")


# ---- power ----

def cut(device, at):
    """Run until power goes at step `at`: True if it went."""
    done = subprocess.run(
        [*device.program, device.name + ".conf", "provision"], cwd=device.factory.dir,
        env=dict(device.env, LD_PRELOAD=CUT, CUT=str(at),
                 ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0"),
        capture_output=True, timeout=DEADLINE_S, check=False)
    assert done.returncode in (0, 85), done
    return done.returncode == 85


def made_once(factory, device, identity):
    shown = device.json("provision")
    assert shown["identity_key"] == identity
    check_made(factory, device, shown)
    counts = factory.used(device.order)
    assert (counts["used"], counts["confirmed"], counts["left"]) == (1, 1, 0)
    assert not [n for n in os.listdir(factory.path(device.name)) if n.endswith(".new")]


@pytest.mark.parametrize("home", ["soft", "tpm", "pkcs11"], indirect=True)
def test_power_cuts_make_one_device(factory, home):
    """Cut at random steps of network and disk, again and again."""
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    dice, cuts = random.Random(seed), 0
    for _ in range(1 if home else 3):
        device = ready(factory, **home)
        identity = device.json("show")["identity_key"]
        while cut(device, dice.randint(1, STEPS)):
            cuts += 1
        made_once(factory, device, identity)
    print("cuts", cuts)


def test_power_may_go_at_each_step(factory):
    """One device for each step; each goes on from there. STEPS=1: every one of them."""
    every = int(os.environ.get("STEPS", "13"))
    at = 1
    while True:
        device = ready(factory)
        identity = device.json("show")["identity_key"]
        went = cut(device, at)
        made_once(factory, device, identity)
        if not went:
            break
        at += every
    assert at > 20
    print("steps", at)


@pytest.mark.parametrize("home", ["soft", "arm64"], indirect=True)
def test_killed_at_random_times(factory, home):
    device = ready(factory, **home)
    identity = device.json("show")["identity_key"]
    kills, wait = 0, 0.01 * random.random()
    while True:
        with subprocess.Popen([*device.program, device.name + ".conf", "provision"],
                              cwd=factory.dir, env=device.env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait)
            process.kill()
            process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        kills, wait = kills + 1, wait * 1.15 + 0.01
    made_once(factory, device, identity)
    assert kills >= 1
    print("kills", kills)
