# SPDX-License-Identifier: Apache-2.0
"""Every refusal, with its number, and that it changed nothing

A real server, a client and devices that are written in Python and lie. After each refusal
the counts of the orders and the size of the ledger are what they were before.
"""
import contextlib, datetime, os, ssl

import cbor2, pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from counterpart import (CHALLENGE, CONFORMANCE, EVIDENCE, HELLO, IMX_MP,
                         PROBLEM, STAMP, Device, Slot, cbor, flip, new_key, point_of, sha256,
                         sign, sign1, spki_of)
from line import DAY_S, VDEVICE, Client, Refused, make_device, soft, utc

OBJECT = b"hallmark-object-v1"


class World:
    """The orders that the tests share, and who comes to them."""

    def __init__(self, factory):
        self.factory = factory
        self.bench = factory.client("BENCH")
        self.planner = factory.client("planner")
        self.auditor = factory.client("auditor")
        self.second = factory.station("SECOND")
        self.other = factory.station("OTHER")
        self.order = factory.order("soft", "soft-1", quota=100,
                                   stations='["BENCH", "SECOND"]')
        self.elsewhere = factory.order("soft", "soft-1", quota=10)
        self.orders = [self.order, self.elsewhere]

    def device(self, **given):
        return soft(self.factory, **given)

    def evidence(self, device=None, order=None, client=None, **alter):
        """Evidence for a fresh challenge of the shared order."""
        challenge = (client or self.bench).challenge(order or self.order)
        return (device or self.device()).evidence(challenge, **alter)

    def new_order(self, product="soft", release="soft-1", **given):
        name = self.factory.order(product, release, **given)
        self.orders.append(name)
        return name

    def state(self):
        return ([self.planner.json("/v1/order/" + name) for name in self.orders],
                self.planner.json("/healthz")["entries"])

    @contextlib.contextmanager
    def refuses(self, error, alarms=0):
        """What is done in this block is refused, and leaves no more than so many alarms."""
        orders, entries = self.state()
        with pytest.raises(Refused) as refused:
            yield
        assert refused.value.error == error
        assert refused.value.status >= 400
        assert self.state() == (orders, entries + alarms)


@pytest.fixture(scope="module")
def world(factory):
    return World(factory)


# --- the challenge ----------------------------------------------------------------

def test_a_nonce_that_was_not_given(world):
    device = world.device()
    challenge = cbor2.loads(world.bench.challenge(world.order))
    challenge[2] = flip(challenge[2], -1)
    with world.refuses(4207):
        world.bench.issue(world.order, device.evidence(cbor(challenge)))
    challenge[2] = os.urandom(32)
    with world.refuses(4207):
        world.bench.issue(world.order, device.evidence(cbor(challenge)))


def test_a_nonce_made_younger(world):
    challenge = cbor2.loads(world.bench.challenge(world.order))
    given = int.from_bytes(challenge[2][:4], "big")
    challenge[2] = (given + 100).to_bytes(4, "big") + challenge[2][4:]
    with world.refuses(4207):
        world.bench.issue(world.order, world.device().evidence(cbor(challenge)))


def test_evidence_for_one_order_in_another(world):
    evidence = world.evidence(order=world.order)
    with world.refuses(4207):
        world.bench.issue(world.elsewhere, evidence)


def test_evidence_for_the_challenge_of_another_station(world):
    evidence = world.evidence(client=world.second)
    with world.refuses(4207):
        world.bench.issue(world.order, evidence)


# --- the order --------------------------------------------------------------------

def refused_at_both(world, order, error, client=None):
    """No challenge, and no issue either for one who has a challenge from elsewhere."""
    client = client or world.bench
    with world.refuses(error):
        client.challenge(order)
    evidence = world.evidence()
    with world.refuses(error):
        client.issue(order, evidence)


def test_an_order_that_nobody_made(world):
    refused_at_both(world, "PO-UNKNOWN", 6110)


def test_a_closed_order(world):
    order = world.new_order(quota=5)
    evidence = world.evidence(order=order)
    world.factory.planner("order", "close", order, "--reason", "enough")
    with world.refuses(6111):
        world.bench.challenge(order)
    with world.refuses(6111):
        world.bench.issue(order, evidence)
    assert world.planner.json("/v1/order/" + order)["closed"]


def test_an_order_before_its_time(world):
    order = world.new_order(not_before=utc(1))
    with world.refuses(6102):
        world.bench.challenge(order)


def test_an_order_after_its_time(world):
    order = world.new_order(not_before=utc(-2), not_after=utc(-1))
    with world.refuses(6103):
        world.bench.challenge(order)


def test_a_station_that_the_order_does_not_name(world):
    refused_at_both(world, world.order, 6112, world.other)
    with world.refuses(6112):
        world.other.get("/v1/order/" + world.order)


def test_a_device_beyond_the_quota(world):
    order = world.new_order(quota=2)
    for _ in range(2):
        make_device(world.bench, world.factory, order, world.device())
    assert world.planner.json("/v1/order/" + order)["left"] == 0
    with world.refuses(6101):
        world.bench.issue(order, world.evidence(order=order))


def test_a_device_in_a_second_order(world):
    device = world.device()
    world.bench.issue(world.order, world.evidence(device))
    with world.refuses(7001):
        world.bench.issue(world.elsewhere, world.evidence(device, world.elsewhere))


# --- the peer ---------------------------------------------------------------------

@pytest.mark.parametrize("who", ["planner", "auditor"])
def test_only_stations_make_devices(world, who):
    client, device = getattr(world, who), world.device()
    evidence = world.evidence(device)
    issued = world.bench.issue(world.order, evidence)
    device.take(cbor2.loads(issued)[1], world.factory.stamp_key)
    for call in (lambda: client.challenge(world.order),
                 lambda: client.issue(world.order, evidence),
                 lambda: client.confirm(world.order, device.conformance())):
        with world.refuses(6201):
            call()


def test_only_planners_decide(world):
    message = world.factory.read("soft.cose")
    for client in world.bench, world.auditor:
        with world.refuses(6201):
            client.post("/v1/object", message)


def test_stations_read_what_is_of_their_orders(world):
    device = world.device()
    make_device(world.bench, world.factory, world.order, device)
    for path in "/v1/order/" + world.order, "/v1/device/" + device.id.hex():
        assert world.bench.json(path)["order"] == world.order
        with world.refuses(6112):
            world.other.get(path)
    with world.refuses(7201):
        world.bench.get("/v1/device/" + "00" * 32)
    for path in "/v1/quarantine", "/tile/entries/000.p/1":
        with world.refuses(6201):
            world.bench.get(path)


def test_a_certificate_that_nobody_registered(world):
    world.factory.make_certificate("stranger", "station")
    stranger = world.factory.client("stranger")
    for call in (lambda: stranger.challenge(world.order),
                 lambda: stranger.issue(world.order, world.evidence()),
                 lambda: stranger.post("/v1/object", world.factory.read("soft.cose")),
                 lambda: stranger.get("/v1/whoami"), lambda: stranger.get("/checkpoint"),
                 lambda: stranger.get("/v1/crl"),
                 lambda: stranger.get("/v1/order/" + world.order)):
        with world.refuses(6202):
            call()


def test_a_credential_that_was_revoked(world):
    gone = world.factory.station("GONE")
    assert gone.json("/v1/whoami") == {"schema": "hallmark.whoami/1", "name": "GONE",
                                       "role": "station"}
    world.factory.planner("station", "revoke", "GONE", "--reason", "it left the line")
    with world.refuses(6202):
        gone.get("/v1/whoami")
    with world.refuses(6202):
        gone.challenge(world.order)


def alert_of(client):
    """What the server says to a certificate. It is read before anything is sent, lest the
    answer to that overtake it."""
    with pytest.raises(ssl.SSLError) as refused:
        client.connect()
        client.connection.sock.recv(1)
    return refused.value.reason


def test_no_certificate(world):
    state = world.state()
    assert alert_of(world.factory.client()) == "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    assert world.state() == state


def test_a_certificate_of_a_foreign_ca(world):
    """Even one with the very name and key of a registered station."""
    state, key, ca_key = world.state(), world.factory.key("BENCH"), new_key()
    own = x509.load_pem_x509_certificate(world.factory.read("BENCH.pem"))
    now = datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Foreign CA")])
    foreign = x509.CertificateBuilder().subject_name(own.subject).issuer_name(name) \
        .public_key(key.public_key()).serial_number(7) \
        .not_valid_before(now - datetime.timedelta(days=1)) \
        .not_valid_after(now + datetime.timedelta(days=9)).sign(ca_key, hashes.SHA256())
    world.factory.write("foreign.pem", foreign.public_bytes(serialization.Encoding.PEM))
    client = Client(world.factory.port, world.factory.path("line.pem"),
                    world.factory.path("foreign.pem"), world.factory.path("BENCH.key"))
    assert alert_of(client) == "TLSV1_ALERT_UNKNOWN_CA"
    assert world.state() == state


def test_a_certificate_that_has_expired(world):
    state = world.state()
    world.factory.make_certificate("late", "station", days=1,
                                   env=world.factory.at(-2 * DAY_S))
    assert alert_of(world.factory.client("late")) == "SSLV3_ALERT_CERTIFICATE_EXPIRED"
    assert world.state() == state


# --- the evidence -----------------------------------------------------------------

@pytest.mark.parametrize("field, value", [
    (2, os.urandom(32)), (4, spki_of(new_key().public_key())),
    (5, point_of(new_key().public_key())), (6, os.urandom(32)), (7, 9), (8, 2)],
    ids=["device", "identity", "kem", "release", "counter", "lock"])
def test_claims_that_were_altered(world, field, value):
    """The liar signs its lie with its identity key, but the root of trust never did."""
    device = world.device()
    error = {4: 4206, 6: 3101}.get(field, 4201)
    with world.refuses(error):
        world.bench.issue(world.order, world.evidence(device, alter_claims={field: value}))


def test_claims_that_were_altered_on_the_way(world):
    """Whoever has no key at all."""
    device = world.device()
    evidence = cbor2.loads(world.evidence(device))
    claims = cbor2.loads(evidence[1])
    claims[7] = 9
    evidence[1] = cbor(claims)
    with world.refuses(4206):
        world.bench.issue(world.order, cbor(evidence))


def test_evidence_that_was_altered(world):
    with world.refuses(4201):
        world.bench.issue(world.order, world.evidence(alter_proof={2: os.urandom(64)}))
    device = world.device()
    proof = {2: sign(device.evidence_key, b"something else")}
    with world.refuses(4201):
        world.bench.issue(world.order, world.evidence(device, alter_proof=proof))


def test_no_proof_of_possession(world):
    device = world.device()
    for poss in os.urandom(64), sign(new_key(), b"x"), bytes(64):
        with world.refuses(4206):
            world.bench.issue(world.order, world.evidence(device, poss=poss))


def test_another_release(world):
    with world.refuses(3101):
        world.bench.issue(world.order, world.evidence(Device(release=os.urandom(32))))


def test_an_older_security_counter(world):
    with world.refuses(3111):
        world.bench.issue(world.order, world.evidence(world.device(counter=0)))


def test_an_open_device(world):
    with world.refuses(4204):
        world.bench.issue(world.order, world.evidence(world.device(lock=0)))


def test_the_scheme_of_another_product(world):
    with world.refuses(4205):
        world.bench.issue(world.order, world.evidence(world.device(scheme=IMX_MP)))


def test_a_clone(world):
    """The id of a made device, keys of its own: refused and remembered, once."""
    device = world.device()
    make_device(world.bench, world.factory, world.order, device)
    evidence = world.evidence(device.clone())
    with world.refuses(7102, alarms=1):
        world.bench.issue(world.order, evidence)
    with world.refuses(7102):
        world.bench.issue(world.order, evidence)


@pytest.mark.parametrize("shared", ["evidence_key", "identity", "kem"])
def test_a_key_of_another_device(world, shared):
    device, twin = world.device(), world.device()
    make_device(world.bench, world.factory, world.order, device)
    setattr(twin, shared, getattr(device, shared))
    with world.refuses(7103, alarms=1):
        world.bench.issue(world.order, world.evidence(twin))


def test_a_replay(world):
    device = world.device()
    evidence = world.evidence(device)
    issued = world.bench.issue(world.order, evidence)
    assert world.bench.issue(world.order, evidence) == issued
    device.take(cbor2.loads(issued)[1], world.factory.stamp_key)
    world.bench.confirm(world.order, device.conformance())
    with world.refuses(2202):
        world.bench.issue(world.order, evidence)
    with world.refuses(2202):
        world.second.issue(world.order, evidence)


def test_a_second_issue_after_the_confirmation(world):
    device = world.device()
    make_device(world.bench, world.factory, world.order, device)
    with world.refuses(2202):
        world.bench.issue(world.order, world.evidence(device))


# --- i.MX manufacturing protection ------------------------------------------------

@pytest.fixture(scope="module")
def thermo(world):
    factory = world.factory
    factory.product("thermo", "imx-mp", "enrolled")
    image = factory.release("thermo-1", "thermo", image=b"firmware of a thermometer")
    order = world.new_order("thermo", "thermo-1", quota=10)

    def make(enrolled=True, **given):
        device = Device(IMX_MP, image, **given)
        if enrolled:
            factory.enrol("thermo", point_of(device.evidence_key.public_key()).hex())
        return device
    make.order = order
    return make


def test_an_enrolled_chip_is_made(world, thermo):
    make_device(world.bench, world.factory, thermo.order, thermo())


def test_a_chip_that_is_not_enrolled(world, thermo):
    with world.refuses(4202):
        world.bench.issue(thermo.order, world.evidence(thermo(False), thermo.order))


def test_a_chip_with_another_mpmr(world, thermo):
    device = thermo(mpmr=b"\1" * 32)
    with world.refuses(4204):
        world.bench.issue(thermo.order, world.evidence(device, thermo.order))


def test_an_open_chip(world, thermo):
    _, _, key = world.factory.fab("--open")
    chip, _, _ = world.factory.fab("--open")
    world.factory.enrol("thermo", key)
    with slot_of(world, chip) as slot:
        kind, body = slot.ask(CHALLENGE, world.bench.challenge(thermo.order))
    assert kind == EVIDENCE
    with world.refuses(4203):
        world.bench.issue(thermo.order, body)


def test_an_r_that_was_used_before(world):
    """Two signatures with one nonce of ECDSA give the key away: that key is shared here."""
    chips = [world.factory.fab("--family", "imx8") for _ in "ab"]
    world.factory.product("family", "imx-mp", "pinned", f'    pinned: ["{chips[0][2]}"]\n')
    world.factory.release("family-1", "family", image=b"firmware of a thermometer")
    order = world.new_order("family", "family-1", quota=9)
    evidence = []
    for chip, _, _ in chips:
        with slot_of(world, chip, "reuse-r") as slot:
            evidence.append(slot.ask(CHALLENGE, world.bench.challenge(order))[1])
    world.bench.issue(order, evidence[0])
    with world.refuses(4209, alarms=1):
        world.bench.issue(order, evidence[1])
    with slot_of(world, chips[1][0]) as slot:
        _, good = slot.ask(CHALLENGE, world.bench.challenge(order))
    world.bench.issue(order, good)


def test_a_key_that_is_not_pinned(world):
    chip, _, _ = world.factory.fab("--family", "other")
    _, _, pinned = world.factory.fab("--family", "imx8")
    world.factory.product("pinned", "imx-mp", "pinned", f'    pinned: ["{pinned}"]\n')
    world.factory.release("pinned-1", "pinned", image=b"firmware of a thermometer")
    order = world.new_order("pinned", "pinned-1")
    with slot_of(world, chip) as slot:
        _, evidence = slot.ask(CHALLENGE, world.bench.challenge(order))
    with world.refuses(4202):
        world.bench.issue(order, evidence)


# --- the conformance --------------------------------------------------------------

@pytest.fixture
def stamped(world):
    device = world.device()
    issued = world.bench.issue(world.order, world.evidence(device))
    device.take(cbor2.loads(issued)[1], world.factory.stamp_key)
    return device


@pytest.mark.parametrize("alter", [{"_2": os.urandom(32)}, {"_3": os.urandom(32)}, {"_4": 0},
                                   {"_5": 0}], ids=["stamp", "release", "counter", "lock"])
def test_a_conformance_that_does_not_conform(world, stamped, alter):
    with world.refuses(4210):
        world.bench.confirm(world.order, stamped.conformance(**alter))


def test_a_conformance_signed_by_another_key(world, stamped):
    stamped.identity = new_key()
    with world.refuses(4304):
        world.bench.confirm(world.order, stamped.conformance())


def test_a_conformance_of_a_device_that_was_not_made(world, stamped):
    with world.refuses(7201):
        world.bench.confirm(world.order, stamped.conformance(_1=os.urandom(32)))
    with world.refuses(7201):
        world.bench.confirm(world.elsewhere, stamped.conformance())


def test_a_conformance_by_a_station_that_may_not(world, stamped):
    with world.refuses(6112):
        world.other.confirm(world.order, stamped.conformance())


# --- signed objects ---------------------------------------------------------------

def test_an_object_that_nobody_signed(world):
    message = cbor2.loads(world.factory.read("soft.cose"))
    protected, _, payload, signature = message.value
    for bad in (cbor(cbor2.CBORTag(18, [protected, {}, payload, flip(signature)])),
                cbor(cbor2.CBORTag(18, [protected, {}, payload, bytes(64)])),
                sign1(new_key(), OBJECT, payload),
                sign1(world.factory.key("planner"), OBJECT, payload),
                sign1(world.factory.key("BENCH"), b"hallmark-void-v1", payload)):
        with world.refuses(4304):
            world.planner.post("/v1/object", bad)


def test_an_object_that_was_altered(world):
    protected, _, payload, signature = cbor2.loads(world.factory.read("soft.cose")).value
    content = cbor2.loads(payload)
    content[3][2] += 1  # its version
    with world.refuses(4304):
        world.planner.post("/v1/object", cbor(
            cbor2.CBORTag(18, [protected, {}, cbor(content), signature])))


def test_a_signature_for_another_purpose(world):
    """A stamp is signed as well, and so is a void: neither is an object."""
    device = world.device()
    issued = world.bench.issue(world.order, world.evidence(device))
    with world.refuses(5201):
        world.planner.post("/v1/object", cbor2.loads(issued)[1])


def write_and_refuse(world, error, product="soft", release="soft-1", **given):
    state = world.state()
    world.factory.write_order(product, release, **given)
    assert world.factory.refused("order", "create", "order.yaml") == error
    assert world.state() == state


def test_serial_numbers_of_another_order(world):
    world.new_order(prefix="DUP-", first=100, quota=10)
    write_and_refuse(world, 7101, prefix="DUP-", first=105, quota=1)
    write_and_refuse(world, 7101, prefix="DUP-", first=91, quota=10)
    world.new_order(prefix="DUP-", first=110, quota=1)


def test_addresses_of_another_order(world):
    world.new_order(mac="7c:ac:b2:77:00:00", quota=10)
    write_and_refuse(world, 7104, mac="7c:ac:b2:77:00:09", quota=1)


def test_a_name_of_another_order(world):
    write_and_refuse(world, 7001, name=world.order)


def test_a_dev_release_in_a_prod_order(world):
    world.factory.release("soft-dev", "soft", "dev")
    write_and_refuse(world, 3110, release="soft-dev")
    order = world.new_order(release="soft-dev", channel="dev")
    write_and_refuse(world, 3110, channel="dev")
    make_device(world.bench, world.factory, order, world.device())


def test_soft_keys_in_production_unless_the_product_says_so(world):
    world.factory.product("plain")
    image = world.factory.release("plain-1", "plain")
    order = world.new_order("plain", "plain-1")
    with world.refuses(3110):
        world.bench.issue(order, world.evidence(Device(release=image), order))


def test_a_release_with_a_lower_counter(world):
    world.factory.product("counted", extra="  soft_in_prod: true\n")
    world.factory.release("counted-2", "counted", counter=2)
    state = world.state()
    world.factory.write("counted-1.bin", b"older")
    assert world.factory.refused("release", "create", "counted-1", "--product", "counted",
                                 "--channel", "prod", "--counter", "1", "--image",
                                 "counted-1.bin") == 3111
    assert world.state() == state


# --- HTTP and CBOR ----------------------------------------------------------------

def good_messages(world, stamped):
    content = cbor({0: 1, 1: world.order, 2: stamped.id, 3: "scratched", 4: 1})
    return {
        "/v1/challenge": cbor({0: 1, 1: world.order}),
        "/v1/issue": cbor({0: 1, 1: world.order, 2: "A1", 3: world.evidence()}),
        "/v1/confirm": cbor({0: 1, 1: world.order, 2: stamped.conformance()}),
        "/v1/void": sign1(world.factory.key("BENCH"), b"hallmark-void-v1", content),
        "/v1/object": world.factory.read("soft.cose"),
    }


@pytest.mark.parametrize("path", ["/v1/challenge", "/v1/issue", "/v1/confirm", "/v1/void",
                                  "/v1/object"])
def test_messages_that_are_no_messages(world, stamped, path):
    good = good_messages(world, stamped)[path]
    client = world.planner if path == "/v1/object" else world.bench
    steps = list(range(0, min(len(good), 24))) + list(range(24, len(good), 19)) \
        + [len(good) - 1]
    bad = [good[:n] for n in steps] + [good + b"\0", good + good, b"\xff", b"\xa0",
                                       b"\x9f" * 100, b"{}", b"\xbf" + good[1:]]
    state = world.state()
    for message in bad:
        refused = client.refusal("POST", path, message, "application/cbor")
        # Twice a challenge-request is longer than any.
        assert refused.error in ((5201, 5202) if len(message) > len(good) else (5201,))
    assert world.state() == state


def test_bodies_that_are_too_large(world):
    state = world.state()
    for path, limit in (("/v1/challenge", 256), ("/v1/issue", 4096 + 512),
                        ("/v1/confirm", 768), ("/v1/void", 512), ("/v1/object", 49152)):
        for size in limit + 1, 1 << 20:
            refused = world.bench.refusal("POST", path, bytes(size), "application/cbor")
            assert (refused.status, refused.error) == (413, 5202)
            world.bench.connection = None
    refused = world.planner.refusal("GET", "/healthz", b"body")
    assert refused.error in (5106, 5202)
    world.planner.connection = None
    assert world.state() == state


def test_types_that_we_do_not_speak(world):
    state, body = world.state(), cbor({0: 1, 1: world.order})
    for kind in "application/json", "text/plain", None:
        assert world.bench.refusal("POST", "/v1/challenge", body, kind).error == 5106
    assert world.state() == state


def test_routes_and_methods_that_are_none(world):
    state = world.state()
    for method, path in (("GET", "/"), ("GET", "/v1"), ("GET", "/v1/nothing"),
                         ("GET", "/v1/orders/x"), ("GET", "/v1/issue"), ("POST", "/v1/crl"),
                         ("POST", "/v1/order/" + world.order)):
        body = b"" if method == "POST" else None
        refused = world.planner.refusal(method, path, body)
        assert (refused.status, refused.error) == (404, 5105), path
        world.planner.connection = None
    for method in "PUT", "DELETE", "PATCH", "OPTIONS":
        assert world.planner.refusal(method, "/v1/crl", b"").error == 5106
        world.planner.connection = None
    for path in ("/v1/order/..", "/v1//crl", "/v1/crl/../crl", "/tile/%2e%2e/x"):
        assert world.planner.refusal("GET", path).error == 5106
        world.planner.connection = None
    assert world.state() == state


def test_tiles_that_are_not_there(world):
    for path in ("/tile/0/999", "/tile/9/000", "/tile/entries/000.p/0", "/tile/0/000.p/256",
                 "/tile/0/1", "/tile/"):
        assert world.auditor.refusal("GET", path).status == 404, path


# --- at the device ----------------------------------------------------------------

@contextlib.contextmanager
def slot_of(world, chip, *faults):
    slot = Slot(world.factory.path("slot"))
    try:
        slot.insert(VDEVICE, chip, *faults)
        yield slot
    finally:
        slot.remove()
        slot.close()


def problem(answer):
    kind, body = answer
    assert kind == PROBLEM
    return cbor2.loads(body)[1]


@pytest.fixture
def pair(world, thermo):
    """Two enrolled chips, one of them in a slot, and a genuine stamp for each."""
    made = [world.factory.fab() for _ in "ab"]
    world.factory.enrol("thermo", *[key for _, _, key in made])
    stamps = []
    for chip, _, _ in made:
        with slot_of(world, chip) as slot:
            _, evidence = slot.ask(CHALLENGE, world.bench.challenge(thermo.order))
            stamps.append(cbor2.loads(world.bench.issue(thermo.order, evidence))[1])
    with slot_of(world, made[0][0]) as slot:
        slot.chip = made[0][0]
        yield slot, *stamps


def test_a_device_takes_its_own_stamp_only(world, pair):
    slot, stamp, of_another = pair
    tag = cbor2.loads(stamp)
    protected, _, payload, signature = tag.value
    content = cbor2.loads(payload)
    content[7] = "T9-999999"
    altered = cbor(cbor2.CBORTag(18, [protected, {}, cbor(content), signature]))
    assert problem(slot.ask(STAMP, altered)) == 2301
    for byte in range(60, len(stamp), len(stamp) // 9):
        assert problem(slot.ask(STAMP, flip(stamp, byte))) in (2301, 5201)
    foreign = sign1(new_key(), b"hallmark-stamp-v1", payload)
    assert problem(slot.ask(STAMP, foreign)) == 2301
    assert problem(slot.ask(STAMP, of_another)) == 2302
    # Nothing of that was stored; the right one is still taken.
    assert cbor2.loads(slot.ask(HELLO)[1])[2] == 1
    kind, conformance = slot.ask(STAMP, stamp)
    assert kind == CONFORMANCE
    assert cbor2.loads(slot.ask(HELLO)[1])[2] == 2
    assert problem(slot.ask(STAMP, of_another)) in (2302, 2305)


def test_a_stamp_for_another_release(world):
    """Whose key signed it or not: it is for a firmware that this device does not run."""
    chip, device_id, _ = world.factory.fab()
    key = new_key()
    world.factory.write("ours.pub", key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    chip = world.factory.path("pinned")
    world.factory.run(VDEVICE, "fab", "--dir", chip, "--firmware", "thermo-1.bin",
                      "--stamp-key", "ours.pub", "--counter", "1")
    with slot_of(world, chip) as slot:
        challenge = cbor({0: 1, 1: "PO-X", 2: bytes(32), 3: bytes(32)})
        _, evidence = slot.ask(CHALLENGE, challenge)
        encoded = cbor2.loads(evidence)[1]
        claims = cbor2.loads(encoded)
        now = datetime.datetime.now(datetime.timezone.utc)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
        certificate = x509.CertificateBuilder().subject_name(name).issuer_name(name) \
            .public_key(serialization.load_der_public_key(claims[4])).serial_number(1) \
            .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)) \
            .sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        stamp = {0: 1, 1: "PO-X", 2: claims[2],
                 3: sha256(b"hallmark-binding-v1" + encoded), 4: bytes(32),
                 5: os.urandom(32), 6: 1, 7: "X-1", 8: None, 9: certificate, 10: [],
                 11: point_of(new_key().public_key()), 12: bytes(20), 13: None, 14: 1, 15: "x"}
        refused = problem(slot.ask(STAMP, sign1(key, b"hallmark-stamp-v1", cbor(stamp))))
        assert refused == 3101
        assert cbor2.loads(slot.ask(HELLO)[1])[2] == 1


# --- after a while ----------------------------------------------------------------

def test_a_nonce_from_before_a_restart(world):
    device = world.device()
    evidence = world.evidence(device)
    world.factory.restart()
    with world.refuses(4207):
        world.bench.issue(world.order, evidence)
    make_device(world.bench, world.factory, world.order, device)


def test_a_nonce_that_has_expired(world):
    """The server's clock goes on by 301 seconds between challenge and evidence."""
    factory = world.factory
    factory.stop()
    factory.start(env=factory.at(0))
    device = world.device()
    evidence = world.evidence(device)
    young = world.evidence(world.device())
    factory.at(290)
    world.bench.issue(world.order, young)
    factory.at(302)
    with world.refuses(4208):
        world.bench.issue(world.order, evidence)
    make_device(world.bench, factory, world.order, device)


def test_the_record_of_all_this_is_consistent(world):
    assert world.factory.audit()["consistent"]
