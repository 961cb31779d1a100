# SPDX-License-Identifier: Apache-2.0
"""Faults of comparable systems, which are not here

The numbers are those of the table in docs/threat-model.md, which names the tests of the other
rows. Here: answers that tell, credentials that reach too far, stations that disturb each
other, devices made twice, clocks of stations, certificates that a device has a say in, and
servers that do not answer.
"""
import datetime, json, os, signal, socket, subprocess, threading, time

import cbor2, pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from counterpart import IMX_MP, ISSUE, Device, cbor, flip, new_key, point_of, sha256, sign
from line import DAY_S, STATION, VDEVICE, Refused, make_device, running_factory, soft, until
from taken import published
from tap import Tap

YEAR_S = 365 * DAY_S
RACERS = 16
REFERENCE_LEN = 8


class World:
    def __init__(self):
        factory = self.factory = running_factory(slots=2)
        factory.product("thermo", "imx-mp", "enrolled", secrets_yaml="""secrets:
  - name: "fleet-key"
    kind: shared
    label: "fleet-key"
""")
        factory.release("thermo-1", "thermo", image=b"firmware of a thermometer")
        self.station, self.planner = factory.client("BENCH"), factory.client("planner")
        self.order = factory.order("soft", "soft-1", quota=100)

    def used(self, order=None):
        return self.planner.json("/v1/order/" + (order or self.order))["used"]

    def issues(self, order):
        return [entry for entry in published(self.factory).of(ISSUE) if entry[1] == order]

    def chip(self):
        """A virtual chip that is enrolled."""
        chip, device_id, key = self.factory.fab()
        self.factory.enrol("thermo", key)
        return chip, device_id


@pytest.fixture(scope="module")
def world():
    made = World()
    yield made
    made.factory.close()


# --- 1: an answer to wrong evidence tells nothing -----------------------------------------

def refusal_of(client, order, evidence):
    """Status and bytes of a refusal, without the reference, which is random."""
    status, kind, body = client.request("POST", "/v1/issue", cbor(
        {0: 1, 1: order, 2: "A1", 3: evidence}), "application/cbor")
    problem = cbor2.loads(body)
    assert status >= 400 and len(problem[2]) == REFERENCE_LEN
    return status, kind, len(body), cbor({0: problem[0], 1: problem[1]})


def test_wrong_evidence_has_one_answer(world):
    """Whichever bit is wrong, whichever chip it is of, and whether there are secrets or not."""
    factory, answers = world.factory, set()
    order = factory.order("thermo", "thermo-1", quota=3)
    image = sha256(b"firmware of a thermometer")
    for _ in range(2):
        device = Device(IMX_MP, image)
        factory.enrol("thermo", point_of(device.evidence_key.public_key()).hex())
        for at in range(0, 64, 3):
            evidence = device.evidence(world.station.challenge(order))
            proof = cbor2.loads(cbor2.loads(evidence)[2])
            forged = device.evidence(world.station.challenge(order),
                                     alter_proof={3: flip(proof[3], at)})
            answers.add(refusal_of(world.station, order, forged))
    for at in range(0, 64, 9):  # of a product without a secret of the token
        device = soft(factory)
        evidence = device.evidence(world.station.challenge(world.order))
        proof = cbor2.loads(cbor2.loads(evidence)[2])
        forged = device.evidence(world.station.challenge(world.order),
                                 alter_proof={2: flip(proof[2], at)})
        answers.add(refusal_of(world.station, world.order, forged))
    assert len(answers) == 1
    assert cbor2.loads(answers.pop()[3])[1] == 4201
    assert world.used(order) == 0


# --- 3: a login for one product is none for another ------------------------------------------

def test_a_station_of_one_product_makes_none_of_another(world):
    factory = world.factory
    mine = factory.order("soft", "soft-1", quota=5, stations='["LINE-A"]')
    other = factory.order("thermo", "thermo-1", quota=5, stations='["LINE-B"]')
    a, b = factory.station("LINE-A"), factory.station("LINE-B")
    make_device(a, factory, mine, soft(factory))
    device = Device(IMX_MP, sha256(b"firmware of a thermometer"))
    factory.enrol("thermo", point_of(device.evidence_key.public_key()).hex())
    evidence = device.evidence(b.challenge(other))
    strange = Device(IMX_MP, sha256(b"firmware of a thermometer"))
    for deed in (lambda: a.challenge(other), lambda: a.issue(other, evidence),
                 lambda: a.json("/v1/order/" + other),
                 lambda: a.issue(mine, strange.evidence(a.challenge(mine)))):
        with pytest.raises(Refused) as refused:
            deed()
        assert refused.value.error in (6112, 4205)
    device.take(cbor2.loads(b.issue(other, evidence))[1], factory.stamp_key)
    with pytest.raises(Refused) as refused:
        a.confirm(other, device.conformance())
    assert refused.value.error == 6112
    assert (world.used(mine), world.used(other)) == (1, 1)


# --- 4: stations side by side on one address ----------------------------------------------------

class Line:
    """A hallmark-station of its own: name, folder, slots."""

    def __init__(self, world, name, order, units=3):
        factory = self.factory = world.factory
        self.name, self.order, self.folder = name, order, factory.path(name)
        factory.make_certificate(name, "station")
        factory.register(name)
        os.mkdir(self.folder)
        text = factory.read("station.yaml").decode().replace('"BENCH', '"' + name)
        text = text.replace('"journal"', f'"{name}/journal"').replace(
            '"records"', f'"{name}/records"').replace("unix:slot", f"unix:{name}/slot")
        factory.write(name + ".yaml", text)
        self.chips = [world.chip() for _ in range(units)]

    def start(self, env=None, **more):
        self.log = open(self.factory.path(self.name + ".log"), "ab")
        self.process = subprocess.Popen(
            [STATION, "run", self.order, "--config", self.name + ".yaml", "--json"],
            cwd=self.factory.dir, env=dict(self.factory.env, **(env or {})), stdout=self.log,
            stderr=self.log, **more)

    def put_in(self, chip, slot=0):
        path = f"{self.name}/slot-{slot}.sock"
        until(lambda: os.path.exists(self.factory.path(path)), "the slot is there")
        return self.factory.run(VDEVICE, "run", "--dir", chip, "--link", "unix:" + path,
                                "--quiet", status=None)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        self.log.close()

    def said(self):
        return self.factory.read(self.name + ".log").decode()


def test_stations_on_one_address_do_not_disturb_each_other(world):
    """Two programs on one machine work at once; one is killed and its key revoked, the other
    works on; and neither can end or undo what the other does."""
    factory = world.factory
    orders = {name: factory.order("thermo", "thermo-1", quota=4, stations=f'["{name}"]')
              for name in ("EAST", "WEST")}
    east, west = (Line(world, name, order) for name, order in orders.items())
    east.start()
    west.start()
    for number in range(2):
        threads = [threading.Thread(target=line.put_in, args=(line.chips[number][0],))
                   for line in (east, west)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
        if number == 0:
            until(lambda: world.used(orders["EAST"]) == world.used(orders["WEST"]) == 1, "both")
    west.process.kill()
    west.process.wait()
    factory.planner("station", "revoke", "WEST", "--reason", "it was replaced")
    east.put_in(east.chips[2][0])
    until(lambda: world.planner.json("/v1/order/" + orders["EAST"])["confirmed"] == 3,
          "the other works on")
    made = bytes.fromhex(east.chips[0][1])
    void = {0: 1, 1: orders["EAST"], 2: made, 3: "not mine", 4: int(time.time())}
    protected = cbor({1: -7})
    message = cbor(["Signature1", protected, b"hallmark-void-v1", cbor(void)])
    third = factory.station("NORTH")
    with pytest.raises(Refused) as refused:
        third.post("/v1/void", cbor(cbor2.CBORTag(18, [
            protected, {}, cbor(void), sign(factory.key("NORTH"), message)])))
    assert refused.value.error == 6112
    east.stop()
    assert world.planner.json("/v1/order/" + orders["EAST"])["confirmed"] == 3


# --- 5: the same device twice -----------------------------------------------------------------

def at_once(deeds):
    """What each of them gave, begun together."""
    found, gate = [None] * len(deeds), threading.Barrier(len(deeds))

    def run(number):
        gate.wait()
        try:
            found[number] = deeds[number]()
        except Refused as no:
            found[number] = no
    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    return found


def test_one_device_sixteen_times_at_once_is_made_once(world):
    """The same evidence on sixteen connections; then fresh evidence on each."""
    factory, device, before = world.factory, soft(world.factory), world.used()
    clients = [factory.client("BENCH") for _ in range(RACERS)]
    for client in clients:
        client.request("GET", "/v1/whoami")
    evidence = device.evidence(world.station.challenge(world.order))
    answers = at_once([lambda c=client: c.issue(world.order, evidence) for client in clients])
    assert len(set(answers)) == 1 and not isinstance(answers[0], Refused)
    fresh = [device.evidence(client.challenge(world.order)) for client in clients]
    again = at_once([lambda c=c, e=e: c.issue(world.order, e) for c, e in zip(clients, fresh)])
    assert {cbor2.loads(answer)[1] for answer in again} == {cbor2.loads(answers[0])[1]}
    assert world.used() == before + 1
    assert [entry[4] for entry in world.issues(world.order)].count(device.id) == 1
    certificates = {cbor2.loads(cbor2.loads(cbor2.loads(a)[1]).value[2])[9] for a in answers}
    assert len(certificates) == 1


def test_sixteen_stations_that_claim_one_device(world):
    """One chip id, sixteen sets of keys, at once: one is made, the others are clones."""
    factory, before = world.factory, world.used()
    devices = [soft(factory)]
    devices += [devices[0].clone() for _ in range(RACERS - 1)]
    clients = [factory.client("BENCH") for _ in devices]
    evidence = [device.evidence(client.challenge(world.order))
                for device, client in zip(devices, clients)]
    answers = at_once([lambda c=c, e=e: c.issue(world.order, e)
                       for c, e in zip(clients, evidence)])
    refused = [answer.error for answer in answers if isinstance(answer, Refused)]
    assert refused == [7102] * (RACERS - 1)
    assert world.used() == before + 1


def test_an_old_request_again_has_its_old_answer(world):
    """Also when the log has grown since: the receipt is that of then, byte for byte."""
    factory, device = world.factory, soft(world.factory)
    evidence = device.evidence(world.station.challenge(world.order))
    first = world.station.issue(world.order, evidence)
    for _ in range(3):
        make_device(world.station, factory, world.order, soft(factory))
    assert world.station.issue(world.order, evidence) == first
    device.take(cbor2.loads(first)[1], factory.stamp_key)
    conformance = device.conformance()
    confirmed = world.station.confirm(world.order, conformance)
    make_device(world.station, factory, world.order, soft(factory))
    assert world.station.confirm(world.order, conformance) == confirmed


# --- 10: the clock of a station ----------------------------------------------------------------

def test_the_clock_of_a_station_sets_no_date(world):
    """Two hundred days ahead: certificate, stamp and ledger have the server's time."""
    factory = world.factory
    order = factory.order("thermo", "thermo-1", quota=2, stations='["FAST"]')
    line = Line(world, "FAST", order, units=1)
    line.start(factory.at(200 * DAY_S))
    began = int(time.time())
    line.put_in(line.chips[0][0])
    until(lambda: world.planner.json("/v1/order/" + order)["confirmed"] == 1, "it is made")
    line.stop()
    shown = world.planner.json("/v1/device/" + line.chips[0][1])
    entry = next(e for e in published(factory).entries if e[1] == ISSUE and e[3][1] == order)
    assert began - 5 <= entry[2] <= time.time() + 5
    found = [os.path.join(folder, name) for folder, _, names in os.walk(line.folder)
             for name in names if name.endswith((".crt", ".der", ".pem"))]
    certificates = [x509.load_pem_x509_certificate(data) if data.startswith(b"-----")
                    else x509.load_der_x509_certificate(data)
                    for data in (open(path, "rb").read() for path in found)]
    assert certificates and shown["serial"]
    for certificate in certificates:
        begins = certificate.not_valid_before.replace(tzinfo=datetime.timezone.utc).timestamp()
        assert began - DAY_S <= begins <= time.time()


@pytest.mark.parametrize("years", [-3, 3])
def test_a_station_with_a_clock_wrong_by_years_says_so(world, years):
    """It takes the server's certificate for expired or not begun, and is told to look at its
    clock; nothing is counted."""
    factory, name = world.factory, "PAST" if years < 0 else "FUTURE"
    order = factory.order("thermo", "thermo-1", quota=2, stations=f'["{name}"]')
    line = Line(world, name, order, units=1)
    line.start(factory.at(years * YEAR_S))
    line.put_in(line.chips[0][0])
    until(lambda: "HM-5103" in line.said(), "it says why")
    line.stop()
    assert "clock" in factory.hallmark("help", "HM-5103").stdout.decode()
    assert world.used(order) == 0


# --- 11: what a device may not say about its certificate ------------------------------------------

def certificate_of(answer):
    return x509.load_der_x509_certificate(
        cbor2.loads(cbor2.loads(cbor2.loads(answer)[1]).value[2])[9])


def test_a_device_has_no_say_in_its_certificate(world):
    """It gives a key and its own id; names, dates, uses and extensions are the template's."""
    forms = set()
    for number in range(2):
        device = soft(world.factory)
        device.id = os.urandom(32) if number else b"CA:TRUE,pathlen:9\0".ljust(32, b"\xff")
        answer = world.station.issue(world.order, device.evidence(
            world.station.challenge(world.order)))
        certificate = certificate_of(answer)
        forms.add(tuple((e.oid.dotted_string, e.critical) for e in certificate.extensions))
        with pytest.raises(x509.ExtensionNotFound):  # no CA (RFC 5280, 4.2.1.9)
            certificate.extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS)
        usage = certificate.extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE).value
        assert usage.digital_signature and not usage.key_cert_sign and not usage.crl_sign
        subject = certificate.subject
        assert {a.oid for a in subject} == {NameOID.SERIAL_NUMBER, NameOID.COMMON_NAME,
                                            NameOID.ORGANIZATION_NAME}
        serial = subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value
        assert serial == world.planner.json("/v1/device/" + device.id.hex())["serial"]
        assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "Test OEM"
    assert len(forms) == 1


@pytest.mark.parametrize("claims", [
    {9: b"a request for a certificate"}, {4: b"\x30\x00"}, {10: True}, {-1: b"CA:TRUE"},
    {"ca": True}])
def test_claims_that_ask_for_more(world, claims):
    device, before = soft(world.factory), world.used()
    device_claims = device.claims
    device.claims = lambda nonce: device_claims(nonce) | claims
    evidence = device.evidence(world.station.challenge(world.order))
    with pytest.raises(Refused) as refused:
        world.station.issue(world.order, evidence)
    assert refused.value.error in (5201, 4303)
    assert world.used() == before


def test_a_key_is_in_one_certificate_only(world):
    """Another device's identity key, its KEM key as identity, and a key of the server's own."""
    first = soft(world.factory)
    make_device(world.station, world.factory, world.order, first)
    before = world.used()
    second = soft(world.factory)
    second.identity = first.identity
    with pytest.raises(Refused) as refused:
        world.station.issue(world.order, second.evidence(world.station.challenge(world.order)))
    assert refused.value.error == 7103
    assert world.used() == before


# --- 12: possession -----------------------------------------------------------------------------

def test_a_request_must_be_signed_by_the_key_that_it_is_for(world):
    device, before = soft(world.factory), world.used()
    for poss in (bytes(64), sign(new_key(), b"?"), sign(device.identity, b"something else")):
        with pytest.raises(Refused) as refused:
            world.station.issue(world.order, device.evidence(
                world.station.challenge(world.order), poss=poss))
        assert refused.value.error == 4206
    assert world.used() == before


# --- 16: a server that does not answer ------------------------------------------------------------

class Deaf:
    """A way to the server of which the first connection is taken and never served."""

    def __init__(self, port):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.begun, self.over = threading.Event(), threading.Event()
        self.tap = Tap(self.listener, self.accept,
                       lambda: socket.create_connection(("127.0.0.1", port)))

    def accept(self, raw):
        if not self.begun.is_set():
            self.begun.set()
            self.over.wait(90)
        return raw

    def close(self):
        self.over.set()
        self.listener.close()


def test_a_server_that_accepts_and_says_nothing(world):
    """The call ends by its deadline and the slot says so; another slot works meanwhile; and the
    first one is made when it has asked again."""
    factory = world.factory
    order = factory.order("thermo", "thermo-1", quota=2, stations='["DEAF"]')
    line, deaf = Line(world, "DEAF", order, units=2), Deaf(factory.port)
    text = factory.read("DEAF.yaml").decode()
    factory.write("DEAF.yaml", text.replace(f":{factory.port}", f":{deaf.port}"))
    line.start()
    began = time.monotonic()
    waiting = threading.Thread(target=line.put_in, args=(line.chips[0][0], 0))
    waiting.start()
    assert deaf.begun.wait(30)
    line.put_in(line.chips[1][0], 1)
    until(lambda: world.used(order) == 1, "the other slot works")
    assert "HM-5102" not in line.said()
    until(lambda: "HM-5102" in line.said(), "it says why")
    assert time.monotonic() - began < 40
    until(lambda: world.planner.json("/v1/order/" + order)["confirmed"] == 2, "both are made")
    waiting.join(60)
    line.stop()
    deaf.close()
    told = [json.loads(text) for text in line.said().splitlines() if "HM-5102" in text]
    assert {event["slot"] for event in told} == {"S0"}
