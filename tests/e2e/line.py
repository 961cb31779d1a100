# SPDX-License-Identifier: Apache-2.0
"""line - an OEM and a factory line in a folder, for the end-to-end tests

Everything is set up with the commands that a person would type. A Factory has tokens, CAs,
certificates and configuration; start() runs its hallmarkd, client() is an mTLS client
written with ssl and http.client only. Every wait is for a condition and has a deadline.
"""
import contextlib, datetime, http.client, json, os, pathlib, secrets, shutil, signal, socket
import ssl, struct, subprocess, tempfile, time

import cbor2
from cryptography.hazmat.primitives import serialization

from counterpart import Device, Ledger, Verifier, cbor, point_of, sha256

BUILD = os.environ.get("BUILD", str(pathlib.Path(__file__).parents[2] / "build"))
HALLMARK = BUILD + "/src/cmd/hallmark"
HALLMARKD = BUILD + "/src/cmd/hallmarkd"
STATION = BUILD + "/src/cmd/hallmark-station"
VDEVICE = BUILD + "/device/virtual/hallmark-vdevice"
LATER = BUILD + "/tests/e2e/tools/later.so"
TAKEN = BUILD + "/tests/e2e/tools/hallmarkd-taken"
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
DEADLINE_S, DAY_S = 60, 86400
SERVER, OEM = "pkcs11:token=server", "pkcs11:token=oem"
# Whoever signs with Ed25519 by SoftHSM loses some bytes there.
LOSES = {"ASAN_OPTIONS": "fast_unwind_on_malloc=0",
         "LSAN_OPTIONS": "print_suppressions=0:suppressions="
         + str(pathlib.Path(__file__).parents[1] / "fault/softhsm.supp")}

APPROVERS = "alice", "bob"
SECRETS = """secrets:
  - name: "disk-key"
    kind: random
    size: 32
  - name: "setup-code"
    kind: passcode
    size: 8
  - name: "fleet-key"
    kind: shared
    label: "fleet-key"
"""


def until(condition, what, within_s=DEADLINE_S):
    """Wait for a condition; its value."""
    end = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what}: not within {within_s} s"
        time.sleep(0.02)  # we only look again


def utc(days=0, seconds=0):
    when = datetime.datetime.now(datetime.timezone.utc) \
        + datetime.timedelta(days=days, seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Refused(Exception):
    """What the server answered with a status of 400 or more."""

    def __init__(self, status, error):
        super().__init__(f"HM-{error} (HTTP {status})")
        self.status, self.error = status, error


class Client:
    """Raw requests over one mutual TLS 1.3 connection."""

    def __init__(self, port, ca, certificate=None, key=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the CA is not a root
        context.load_verify_locations(ca)
        if certificate:
            context.load_cert_chain(certificate, key)
        self.port, self.context, self.connection = port, context, None

    def connect(self):
        self.connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=DEADLINE_S, context=self.context)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, method, path, body=None, kind=None):
        """(status, content type, body), over a kept connection if there is one."""
        fresh = self.connection is None
        try:
            if fresh:
                self.connect()
            self.connection.request(method, path, body, {"Content-Type": kind} if kind else {})
            answer = self.connection.getresponse()
            got = answer.status, answer.getheader("Content-Type"), answer.read()
        except (OSError, http.client.HTTPException) as lost:
            self.connection = None
            if fresh or not isinstance(lost, (ConnectionError, ssl.SSLEOFError,
                                              ssl.SSLZeroReturnError)):
                raise
            return self.request(method, path, body, kind)  # it had been closed meanwhile
        if answer.getheader("Connection") == "close":
            self.connection = None
        return got

    def refusal(self, method, path, body=None, kind=None):
        """The problem in an answer, which must be one."""
        status, content_type, answer = self.request(method, path, body, kind)
        assert status >= 400, answer
        assert content_type == "application/cbor"
        problem = cbor2.loads(answer)
        assert cbor(problem) == answer and set(problem) == {0, 1, 2}
        return Refused(status, problem[1])

    def post(self, path, body, kind="application/cbor"):
        status, content_type, answer = self.request("POST", path, body, kind)
        if status >= 400:
            raise Refused(status, cbor2.loads(answer)[1])
        assert content_type == "application/cbor"
        return answer

    def get(self, path):
        status, _, answer = self.request("GET", path)
        if status >= 400:
            raise Refused(status, cbor2.loads(answer)[1])
        return answer

    def json(self, path):
        return json.loads(self.get(path))

    # the steps of one device

    def challenge(self, order):
        return self.post("/v1/challenge", cbor({0: 1, 1: order}))

    def issue(self, order, evidence, slot="A1"):
        return self.post("/v1/issue", cbor({0: 1, 1: order, 2: slot, 3: evidence}))

    def confirm(self, order, conformance):
        return self.post("/v1/confirm", cbor({0: 1, 1: order, 2: conformance}))


class Factory:
    def __init__(self, slots=2, options="", program=HALLMARKD):
        self.dir = tempfile.mkdtemp(prefix="hm-")  # short: a socket's path is
        self.program = program
        self.slots, self.options = slots, options
        self.server = None
        self.port = free_port()
        self.env = dict(os.environ, SOFTHSM2_CONF=self.path("softhsm2.conf"))
        self.env.pop("HALLMARK_CONFIG", None)
        self.orders = self.chips = 0
        self.approvers = set()  # who is registered
        self.set_up()

    # --- files and commands

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, data, mode=0o644):
        if isinstance(data, str):
            data = data.encode()
        with open(self.path(name), "wb") as file:
            file.write(data)
        os.chmod(self.path(name), mode)

    def read(self, *names):
        with open(self.path(*names), "rb") as file:
            return file.read()

    def run(self, *argv, status=0, env=None):
        """A program in our folder; the finished process."""
        done = subprocess.run(argv, cwd=self.dir, env=dict(self.env, **(env or {})),
                              capture_output=True, timeout=DEADLINE_S, check=False)
        assert status is None or done.returncode == status, \
            f"{argv}: {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}"
        return done

    def hallmark(self, *words, status=0, env=None):
        return self.run(HALLMARK, *words, status=status, env=env)

    def planner(self, *words, status=0):
        return self.hallmark(*words, "--config", "hallmark.yaml", status=status)

    def refused(self, *words):
        """The number with which a planner's command was refused."""
        done = self.planner(*words, "--json", status=None)
        assert done.returncode not in (0, 2), done
        return int(json.loads(done.stderr)["id"][3:])

    # --- setting up

    def set_up(self):
        os.mkdir(self.path("tokens"), 0o700)
        self.write("softhsm2.conf", f"directories.tokendir = {self.path('tokens')}\n"
                   "objectstore.backend = file\nlog.level = ERROR\n")
        self.write("pin", secrets.token_hex(8), 0o600)
        self.write("so-pin", secrets.token_hex(8), 0o600)
        for token in "oem", "server":
            self.hallmark("hsm", "init", token, "--module", MODULE, "--pin", "file:pin",
                          "--so-pin", "file:so-pin")
        self.make_cas()
        self.make_keys()
        for name, profile in (("server", "server"), ("planner", "client"),
                              ("auditor", "client"), ("BENCH", "station"),
                              *((name, "client") for name in APPROVERS)):
            self.make_certificate(name, profile)
        self.write_yaml()

    def at(self, seconds):
        """The environment in which a program has another clock: so much later. Programs have
        the file mapped, so it is never shorter, not even for a moment."""
        file = os.open(self.path("later"), os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(file, struct.pack("=q", seconds), 0)
        os.close(file)
        return {"LD_PRELOAD": LATER, "LATER_FILE": self.path("later"),
                "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def make_cas(self):
        """Three days ago, so that certificates of theirs can have expired."""
        common = "--organization", "Test OEM", "--module", MODULE, "--pin", "file:pin"
        env = self.at(-3 * DAY_S)
        self.hallmark("ca", "create", "root", "--token", OEM, "--label", "root", "--subject",
                      "Test Root", "--days", "9000", "--out", "root.pem", *common, env=env)
        for label in "factory", "line":
            self.hallmark("ca", "create", "sub", "--token", SERVER, "--label", label,
                          "--subject", f"Test {label} CA", "--days", "400", "--out",
                          label + ".pem", "--issuer-certificate", "root.pem",
                          "--issuer-token", OEM, "--issuer-key", "pkcs11:object=root",
                          "--issuer-pin", "file:pin", *common, env=env)

    def make_keys(self):
        common = "--module", MODULE, "--pin", "file:pin"
        self.hallmark("hsm", "generate", SERVER, "--label", "stamp", "--public", "stamp.pub",
                      *common)
        self.hallmark("hsm", "generate", SERVER, "--label", "log", "--type", "ed25519",
                      "--origin", "test.example/log", "--public", "log.vkey", *common)
        self.hallmark("hsm", "generate", OEM, "--label", "authority", "--public",
                      "authority.pub", *common)
        self.fleet_key = secrets.token_hex(12).encode()
        self.write("fleet-key", self.fleet_key, 0o600)
        self.hallmark("hsm", "store", SERVER, "--label", "fleet-key", "--value",
                      "file:fleet-key", *common)
        os.unlink(self.path("fleet-key"))
        self.log = Verifier(self.read("log.vkey").decode())
        self.stamp_key = point_of(serialization.load_pem_public_key(self.read("stamp.pub")))

    def make_certificate(self, name, profile, days=300, env=None):
        host = ("--host", "127.0.0.1") if profile == "server" else ()
        self.hallmark("ca", "issue", profile, "--subject", name, "--days", str(days), "--key-out",
                      name + ".key", "--out", name + ".pem", "--module", MODULE,
                      "--issuer-certificate", "line.pem", "--issuer-token", SERVER,
                      "--issuer-key", "pkcs11:object=line", "--issuer-pin", "file:pin",
                      *host, env=env)

    def write_yaml(self, state="state"):
        self.write("hallmarkd.yaml", f"""schema: 1
listen: "127.0.0.1:{self.port}"
state: "{state}"
origin: "test.example/log"
issuer: "factory.pem"
authority: "authority.pub"
approvers: [{", ".join(f'"{name}.pem"' for name in APPROVERS)}]
tls:
  certificate: "server.pem"
  key: "server.key"
  client_ca: "line.pem"
token:
  uri: "{SERVER}"
  module: "{MODULE}"
  pin: "file:pin"
  issuer: "pkcs11:object=factory"
  stamp: "pkcs11:object=stamp"
  log: "pkcs11:object=log"
  folder: "tokens"
{self.options}""")
        self.write("hallmark.yaml", f"""schema: 1
server:
  url: "https://127.0.0.1:{self.port}"
  ca: "line.pem"
  certificate: "planner.pem"
  key: "planner.key"
authority:
  uri: "{OEM}"
  module: "{MODULE}"
  key: "pkcs11:object=authority"
  pin: "file:pin"
""")
        for name in APPROVERS:
            self.write(name + ".yaml", f"""schema: 1
server:
  url: "https://127.0.0.1:{self.port}"
  ca: "line.pem"
  certificate: "{name}.pem"
  key: "{name}.key"
""")
        slots = "".join(f'  - name: "S{i}"\n    link: "unix:slot-{i}.sock"\n'
                        for i in range(self.slots))
        self.write("station.yaml", f"""schema: 1
name: "BENCH"
server:
  url: "https://127.0.0.1:{self.port}"
  ca: "line.pem"
  certificate: "BENCH.pem"
  key: "BENCH.key"
log_key: "{self.read('log.vkey').decode().strip()}"
journal: "journal"
records: "records"
slots:
{slots}""")

    # --- the server

    def start(self, env=None):
        self.start_only(env)
        self.wait_ready()

    def start_only(self, env=None):
        with open(self.path("hallmarkd.log"), "ab") as log:
            self.server = subprocess.Popen(
                [self.program, "--config", "hallmarkd.yaml"], cwd=self.dir,
                env=dict(self.env, **(env or {})), stdout=log, stderr=log)

    def is_ready(self):
        if self.server.poll() is not None:
            raise AssertionError("hallmarkd has ended:\n" + self.tail())
        try:  # a front may be up while the keeper is not: that is a 503
            return self.client("planner").request("GET", "/v1/whoami")[0] < 500
        except ssl.SSLCertVerificationError:
            raise
        except (OSError, http.client.HTTPException):
            return False

    def tail(self):
        return self.read("hallmarkd.log").decode()[-3000:]

    def wait_ready(self):
        until(self.is_ready, "hallmarkd serves")

    def stop(self):
        if self.server is not None and self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(timeout=DEADLINE_S)
        status, self.server = self.server and self.server.returncode, None
        return status

    def kill(self):
        """The parent without a warning; its children follow when they see it."""
        pids = self.processes()
        self.server.kill()
        self.server.wait(timeout=DEADLINE_S)
        self.server = None
        until(lambda: not any(os.path.exists(f"/proc/{p}") for p in pids), "children leave")

    def restart(self):
        self.kill()
        self.start()

    def processes(self):
        """pid -> role, of the children of the parent."""
        found = {}
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            listed = pathlib.Path(
                f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text()
            for pid in listed.split():
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"--role" in words:
                    found[int(pid)] = words[words.index(b"--role") + 1].decode()
        return found

    def close(self):
        if self.server is not None and self.server.poll() is None:
            self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- people

    def client(self, name=None):
        return Client(self.port, self.path("line.pem"),
                      *(self.path(name + end) for end in (".pem", ".key") if name))

    def register(self, name, role="station"):
        self.planner("station", "create", name, "--role", role, "--certificate",
                     name + ".pem", "--until", utc(365))

    def station(self, name):
        """A new certificate, registered."""
        self.make_certificate(name, "station")
        self.register(name)
        return self.client(name)

    def key(self, name):
        return serialization.load_pem_private_key(self.read(name + ".key"), None)

    # --- what is made

    def product(self, name, scheme="soft", source="any", extra="", secrets_yaml=""):
        self.write(name + ".yaml", f"""schema: 1
name: "{name}"
version: 1
evidence:
  scheme: {scheme}
  keys:
    source: {source}
{extra}certificate:
  organization: "Test OEM"
  hw_type: "1.3.6.1.4.1.32473.1"
{secrets_yaml}""")
        self.planner("product", "create", name + ".yaml", "--output", name + ".cose")

    def approve(self, name, product, approvers=APPROVERS):
        for approver in approvers:
            if approver not in self.approvers:
                self.register(approver, "approver")
                self.approvers.add(approver)
            self.hallmark("release", "approve", f"{product}/{name}", "--config",
                          approver + ".yaml")

    def release(self, name, product, channel="prod", counter=1, image=b"an image", *words):
        """Made, and approved if it has to be."""
        self.write(name + ".bin", image)
        self.planner("release", "create", name, "--product", product, "--channel", channel,
                     "--counter", str(counter), "--image", name + ".bin", "--output",
                     name + ".cose", *words)
        if channel == "prod":
            self.approve(name, product)
        return sha256(image)

    def write_order(self, product, release, **given):
        """An order's file; fields that are given replace the ordinary ones."""
        self.orders += 1
        fields = {"name": f"PO-{self.orders}", "channel": "prod", "quota": 1, "returns": 0,
                  "prefix": f"T{self.orders}-", "first": 1, "mac": None,
                  "stations": '["BENCH"]', "not_before": utc(seconds=-60),
                  "not_after": utc(30), "confirm_within_s": 86400}
        fields.update(given)
        mac = f'mac_first: "{fields["mac"]}"\n' if fields["mac"] else ""
        self.write("order.yaml", f"""schema: 1
name: "{fields['name']}"
product: "{product}.cose"
release: "{release}.cose"
channel: {fields['channel']}
quota: {fields['quota']}
returns: {fields['returns']}
serial:
  prefix: "{fields['prefix']}"
  first: {fields['first']}
  digits: 6
{mac}stations: {fields['stations']}
not_before: "{fields['not_before']}"
not_after: "{fields['not_after']}"
confirm_within_s: {fields['confirm_within_s']}
""")
        return fields["name"]

    def order(self, product, release, **given):
        name = self.write_order(product, release, **given)
        self.planner("order", "create", "order.yaml")
        return name

    def fab(self, *options, release="thermo-1"):
        """A virtual chip: (folder, device id, evidence key in hex)."""
        self.chips += 1
        chip = self.path(f"chip{self.chips}")
        done = self.run(VDEVICE, "fab", "--dir", chip, "--firmware", release + ".bin",
                        "--stamp-key", "stamp.pub", "--counter", "1", "--json", *options)
        shown = json.loads(done.stdout)
        return chip, shown["device_id"], shown["evidence_key"]

    def open_up(self):
        """People, a product with soft keys, and a release of it."""
        self.register("planner", "planner")
        self.register("auditor", "auditor")
        self.register("BENCH")
        self.product("soft", extra="  soft_in_prod: true\n", secrets_yaml=SECRETS)
        self.image = self.release("soft-1", "soft")

    def enrol(self, product, *keys):
        self.write("keys.txt", "".join(k + "\n" for k in keys))
        self.planner("product", "enrol", product, "keys.txt")

    def ledger(self, folder="state/ledger"):
        return Ledger(self.path(folder), self.log)

    def backup(self, name, *words, status=0):
        return self.hallmark("server", "backup", name, "--hallmarkd", "hallmarkd.yaml", *words,
                             status=status)

    def restore(self, name, state, *words, status=0):
        return self.hallmark("server", "restore", name, "--state", state, "--log-key",
                             "log.vkey", *words, status=status)

    def audit(self, *words, status=0):
        done = self.hallmark("audit", "verify", "state/ledger", "--log-key", "log.vkey",
                             "--authority", "authority.pub", "--json", *words, status=status)
        return json.loads(done.stdout)


def make_device(client, factory, order, device):
    """The whole way of a device; (issue answer, confirm answer)."""
    issued = client.issue(order, device.evidence(client.challenge(order)))
    device.take(cbor2.loads(issued)[1], factory.stamp_key)
    return issued, client.confirm(order, device.conformance())


def running_factory(**options):
    """A factory that serves, with its people, a product with soft keys and its releases."""
    factory = Factory(**options)
    try:
        factory.start()
        factory.open_up()
    except BaseException:
        print(factory.tail())
        factory.close()
        raise
    return factory


def soft(factory, **given):
    return Device(release=factory.image, **given)
