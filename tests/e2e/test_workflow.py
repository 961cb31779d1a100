# SPDX-License-Identifier: Apache-2.0
"""The way of a device, read by counterparts that we did not write

Certificates and lists by openssl, stamps by cbor2 and python3-cryptography, secrets by an
HPKE written from the RFC, receipts by an RFC 6962 tree: see counterpart.py.
"""
import json, os, re, shutil, threading

import cbor2, pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from counterpart import (CONFIRM, GENESIS, ISSUE, STATE, STATES, VOID, Device, cbor, new_key,
                         open1, point_of, sha256, sign1)
from line import HALLMARKD, STATION, Refused, make_device, soft, until


@pytest.fixture(scope="module")
def bench(factory):
    return factory.client("BENCH")


@pytest.fixture(scope="module")
def planner(factory):
    return factory.client("planner")


def issue(factory, bench, order, device=None):
    """A device with its stamp, not confirmed; (device, answer, stamp's content, secrets)."""
    device = device or soft(factory)
    answer = bench.issue(order, device.evidence(bench.challenge(order)))
    return (device, answer, *device.take(cbor2.loads(answer)[1], factory.stamp_key))


def openssl(factory, *words, status=0):
    done = factory.run("openssl", *words, status=status)
    return (done.stdout + done.stderr).decode()


def write_certificate(factory, content):
    pem = x509.load_der_x509_certificate(content[9]).public_bytes(serialization.Encoding.PEM)
    factory.write("device.pem", pem)


# --- the way of a device ----------------------------------------------------------

def test_a_device_from_challenge_to_receipt(factory, bench, planner):
    order = factory.order("soft", "soft-1", quota=3, first=41, prefix="HM-",
                          mac="7c:ac:b2:00:00:fe")
    for number in range(3):
        challenge = bench.challenge(order)
        said = cbor2.loads(challenge)
        assert set(said) == {0, 1, 2, 3} and said[1] == order and said[3] == factory.image
        device = soft(factory)
        evidence = device.evidence(challenge)
        answer = cbor2.loads(bench.issue(order, evidence))
        content, secrets = device.take(answer[1], factory.stamp_key)
        assert content[7] == f"HM-{41 + number:06}"
        assert content[8] == (0x7cacb20000fe + number).to_bytes(6, "big")
        assert content[4] == sha256(factory.read("soft.cose"))
        assert content[5] == factory.image and content[6] == 1
        assert content[15] == "test.example/log"
        check_issue_entry(factory, device, answer, content, evidence)
        check_certificate(factory, device, content)
        check_confirmation(factory, bench, order, device)
        shown = planner.json("/v1/device/" + content[7])
        assert shown["state"] == "confirmed" and shown["device_id"] == device.id.hex()
        assert shown["mac"] == content[8].hex()
    shown = planner.json("/v1/order/" + order)
    assert (shown["used"], shown["confirmed"], shown["left"]) == (3, 3, 0)


def check_issue_entry(factory, device, answer, content, evidence):
    entry = cbor2.loads(answer[2])
    index = factory.log.receipt(answer[3], answer[2])
    identity = point_of(device.identity.public_key())
    assert entry[1] == ISSUE and entry[3] == {
        1: device.order, 2: "BENCH", 3: content[7], 4: device.id, 5: content[8],
        6: content[4], 7: device.release, 8: sha256(identity), 9: device.binding,
        10: sha256(evidence), 11: sha256(content[9]), 12: sha256(answer[1])}
    ledger = until(lambda: ledger_with(factory, index), "the entry is published")
    assert ledger.raw[index] == answer[2]


def ledger_with(factory, index):
    ledger = factory.ledger()
    return ledger if len(ledger.raw) > index else None


def check_certificate(factory, device, content):
    write_certificate(factory, content)
    said = openssl(factory, "verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted",
                   "factory.pem", "device.pem")
    assert "device.pem: OK" in said
    certificate = x509.load_der_x509_certificate(content[9])
    assert point_of(certificate.public_key()) == point_of(device.identity.public_key())
    name = certificate.subject
    assert name.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value == content[7]
    assert name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "Test OEM"
    assert certificate.not_valid_after.year == 9999
    assert 64 < certificate.serial_number.bit_length() < 160
    issuer = x509.load_pem_x509_certificate(factory.read("factory.pem"))
    assert content[10] == [issuer.public_bytes(serialization.Encoding.DER)]


def check_confirmation(factory, bench, order, device):
    conformance = device.conformance()
    answer = cbor2.loads(bench.confirm(order, conformance))
    entry = cbor2.loads(answer[1])
    factory.log.receipt(answer[2], answer[1])
    assert entry[1] == CONFIRM and entry[3] == {
        1: order, 2: "BENCH", 3: device.id, 4: sha256(device.stamp), 5: sha256(conformance),
        6: device.lock}


def test_secrets_of_every_kind(factory, bench):
    certificate = x509.load_pem_x509_certificate(factory.read("root.pem")) \
        .public_bytes(serialization.Encoding.DER)
    factory.write("broker.der", certificate)
    factory.write("region", b"eu-west\0\xff")
    factory.product("rich", extra="  soft_in_prod: true\n", secrets_yaml="""secrets:
  - name: "disk-key"
    kind: random
    size: 48
  - name: "code"
    kind: passcode
    size: 10
  - name: "fleet"
    kind: shared
    label: "fleet-key"
  - name: "tls-key"
    kind: key
  - name: "broker"
    kind: certificate
    file: "broker.der"
  - name: "region"
    kind: literal
    file: "region"
configuration: "broker=mqtt.example"
""")
    image = factory.release("rich-1", "rich", image=b"rich")
    order = factory.order("rich", "rich-1", quota=2)
    seen = set()
    for _ in range(2):
        _, answer, content, secrets = issue(factory, bench, order, Device(release=image))
        assert content[13] == b"broker=mqtt.example"
        assert secrets["fleet"] == (3, factory.fleet_key)
        assert secrets["broker"] == (5, certificate)
        assert secrets["region"] == (6, b"eu-west\0\xff")
        kind, code = secrets["code"]
        assert kind == 2 and re.fullmatch(rb"[0-9]{10}", code)
        kind, disk = secrets["disk-key"]
        assert kind == 1 and len(disk) == 48
        kind, der = secrets["tls-key"]
        private = serialization.load_der_private_key(der, None)
        assert kind == 4 and isinstance(private.curve, ec.SECP256R1)
        for value in code, disk, der, factory.fleet_key:
            assert value not in answer
        seen |= {code, disk, der}
    assert len(seen) == 6


def test_the_first_entry_names_the_keys(factory):
    first = factory.ledger().entries[0]
    issuer = x509.load_pem_x509_certificate(factory.read("factory.pem"))
    authority = serialization.load_pem_public_key(factory.read("authority.pub"))
    assert first[1] == GENESIS and first[3] == {
        1: "test.example/log", 2: point_of(authority), 3: factory.stamp_key,
        4: sha256(issuer.public_bytes(serialization.Encoding.DER))}


def test_objects_are_whole_in_the_ledger(factory):
    """And signed by the authority, or by an approver, whose public keys are all that one needs."""
    def point(name):
        return point_of(serialization.load_pem_public_key(factory.read(name)))

    def person(name):
        return x509.load_pem_x509_certificate(factory.read(name + ".pem")).public_key()

    kinds = set()
    for message in factory.ledger().of(2):
        content = cbor2.loads(cbor2.loads(message).value[2])
        kinds.add(content[1])
        if content[1] == 7:     # an approval names who made it
            assert open1(point_of(person(content[3][2])), b"hallmark-approval-v1", message) == content
        else:
            assert open1(point("authority.pub"), b"hallmark-object-v1", message) == content
    assert {1, 2, 4, 7} <= kinds


# --- again ------------------------------------------------------------------------

def test_the_same_request_has_the_same_answer(factory, bench):
    order = factory.order("soft", "soft-1", quota=5)
    device = soft(factory)
    evidence = device.evidence(bench.challenge(order))
    issued = bench.issue(order, evidence)
    device.take(cbor2.loads(issued)[1], factory.stamp_key)
    conformance = device.conformance()
    make_device(bench, factory, order, soft(factory))
    assert bench.issue(order, evidence) == issued
    factory.restart()
    assert bench.issue(order, evidence) == issued
    confirmed = bench.confirm(order, conformance)
    make_device(bench, factory, order, soft(factory))
    assert bench.confirm(order, conformance) == confirmed
    factory.restart()
    assert bench.confirm(order, conformance) == confirmed
    shown = factory.client("planner").json("/v1/order/" + order)
    assert (shown["used"], shown["confirmed"]) == (3, 3)


def test_a_device_that_lost_its_stamp_gets_it_again(factory, bench, planner):
    """New challenge, same keys: the stamp of then, and no second unit."""
    order = factory.order("soft", "soft-1", quota=1)
    device, first, _, _ = issue(factory, bench, order)
    second = bench.issue(order, device.evidence(bench.challenge(order)))
    assert cbor2.loads(second)[1] == cbor2.loads(first)[1]
    bench.confirm(order, device.conformance())
    assert planner.json("/v1/order/" + order)["used"] == 1


# --- what becomes of a device -----------------------------------------------------

def crl_of(factory, planner):
    """The serial numbers that openssl reads from the list, signed by the issuing CA."""
    factory.write("crl.der", planner.get("/v1/crl"))
    said = openssl(factory, "crl", "-inform", "DER", "-in", "crl.der", "-noout", "-text",
                   "-CAfile", "factory.pem")
    assert "verify OK" in said
    return set(re.findall(r"Serial Number: ([0-9A-F]+)", said))


def serial_of(content):
    return f"{x509.load_der_x509_certificate(content[9]).serial_number:X}"


def until_revoked(factory, planner, content):
    serial = serial_of(content)
    until(lambda: any(s.lstrip("0") == serial for s in crl_of(factory, planner)),
          "the certificate is on the list")


def void(factory, order, device, reason="cracked housing", status=0):
    return factory.run(STATION, "void", order, device.id.hex(), "--reason", reason,
                       "--config", "station.yaml", status=status)


def test_a_void_gives_a_unit_back_while_returns_last(factory, bench, planner):
    order = factory.order("soft", "soft-1", quota=2, returns=1)
    first, _, content, _ = issue(factory, bench, order)
    void(factory, order, first)
    shown = planner.json("/v1/order/" + order)
    assert (shown["used"], shown["returned"], shown["left"]) == (0, 1, 2)
    until_revoked(factory, planner, content)
    second, _, content, _ = issue(factory, bench, order)
    void(factory, order, second, "dropped")
    shown = planner.json("/v1/order/" + order)
    assert (shown["used"], shown["returned"], shown["scrapped"], shown["left"]) == (1, 1, 1, 1)
    until_revoked(factory, planner, content)
    make_device(bench, factory, order, soft(factory))
    assert planner.json("/v1/order/" + order)["left"] == 0
    with pytest.raises(Refused) as refused:
        bench.issue(order, first.evidence(bench.challenge(order)))
    assert refused.value.error == 2305
    check_void_entries(factory, order, first, second)


def voids_of(factory, order, count):
    voids = [entry for entry in factory.ledger().of(VOID) if entry[1] == order]
    return voids if len(voids) >= count else None


def check_void_entries(factory, order, first, second):
    station = point_of(factory.key("BENCH").public_key())
    voids = until(lambda: voids_of(factory, order, 2), "both are published")
    assert [entry[3] for entry in voids] == [first.id, second.id]
    assert [entry[5] for entry in voids] == [True, False]
    said = [open1(station, b"hallmark-void-v1", entry[4]) for entry in voids]
    assert [(s[2], s[3]) for s in said] == [(first.id, "cracked housing"),
                                            (second.id, "dropped")]


def test_a_void_that_is_not_the_stations_own(factory, bench, planner):
    order = factory.order("soft", "soft-1", quota=2, returns=1)
    device, _, _, _ = issue(factory, bench, order)
    content = cbor({0: 1, 1: order, 2: device.id, 3: "x", 4: 1})
    entries = planner.json("/healthz")["entries"]
    for key, aad, error in ((new_key(), b"hallmark-void-v1", 4304),
                            (factory.key("planner"), b"hallmark-void-v1", 4304),
                            (factory.key("BENCH"), b"hallmark-object-v1", 4304)):
        with pytest.raises(Refused) as refused:
            bench.post("/v1/void", sign1(key, aad, content))
        assert refused.value.error == error
    bench.confirm(order, device.conformance())
    good = sign1(factory.key("BENCH"), b"hallmark-void-v1", content)
    with pytest.raises(Refused) as refused:
        bench.post("/v1/void", good)
    assert refused.value.error == 2305
    assert planner.json("/healthz")["entries"] == entries + 1
    assert planner.json("/v1/order/" + order)["confirmed"] == 1


def test_a_revoked_and_a_scrapped_device(factory, bench, planner):
    order = factory.order("soft", "soft-1", quota=2)
    for verb, state in ("revoke", "revoked"), ("scrap", "scrapped"):
        device, _, content, _ = issue(factory, bench, order)
        bench.confirm(order, device.conformance())
        write_certificate(factory, content)
        factory.planner("device", verb, content[7], "--reason", "stolen")
        assert planner.json("/v1/device/" + content[7])["state"] == state
        until_revoked(factory, planner, content)
        factory.run("openssl", "crl", "-inform", "DER", "-in", "crl.der", "-out", "crl.pem")
        said = openssl(factory, "verify", "-crl_check", "-CAfile", "root.pem", "-untrusted",
                       "factory.pem", "-CRLfile", "crl.pem", "device.pem", status=2)
        assert "certificate revoked" in said
    shown = planner.json("/v1/order/" + order)
    assert (shown["used"], shown["scrapped"], shown["left"]) == (2, 1, 0)


def changes_of(factory, device, count):
    changes = [e for e in factory.ledger().of(STATE) if e[1] == device.id]
    return changes if len(changes) >= count else None


def test_a_held_device_waits_for_its_release(factory, bench, planner):
    order = factory.order("soft", "soft-1")
    device, _, content, _ = issue(factory, bench, order)
    factory.planner("device", "hold", device.id.hex(), "--reason", "ask quality")
    assert planner.json("/v1/device/" + content[7])["state"] == "held"
    with pytest.raises(Refused) as refused:
        bench.confirm(order, device.conformance())
    assert refused.value.error == 2305
    factory.planner("device", "release", content[7], "--reason", "quality says yes")
    assert planner.json("/v1/device/" + content[7])["state"] == "issued"
    bench.confirm(order, device.conformance())
    assert planner.json("/v1/device/" + content[7])["state"] == "confirmed"
    changes = until(lambda: changes_of(factory, device, 2), "both are published")
    assert [(STATES[e[2]], STATES[e[3]]) for e in changes] == [("issued", "held"),
                                                               ("held", "issued")]
    assert factory.refused("device", "release", content[7], "--reason", "again") == 2305


def quarantined(planner):
    return {d["serial"] for d in planner.json("/v1/quarantine")["devices"]}


def test_an_unconfirmed_device_goes_to_quarantine(factory, bench, planner):
    order = factory.order("soft", "soft-1", quota=2, confirm_within_s=1)
    device, _, content, _ = issue(factory, bench, order)
    lost, _, lost_content, _ = issue(factory, bench, order)
    until(lambda: {content[7], lost_content[7]} <= quarantined(planner), "both are listed")
    assert planner.json("/v1/device/" + content[7])["state"] == "held"
    bench.confirm(order, device.conformance())
    assert content[7] not in quarantined(planner)
    assert planner.json("/v1/device/" + content[7])["state"] == "confirmed"
    done = factory.planner("device", "quarantine")
    assert lost_content[7] in done.stdout.decode() and content[7] not in done.stdout.decode()
    void(factory, order, lost, "never came back")
    assert lost_content[7] not in quarantined(planner)


def test_order_show_counts(factory, bench):
    order = factory.order("soft", "soft-1", quota=4)
    make_device(bench, factory, order, soft(factory))
    issue(factory, bench, order)
    shown = factory.planner("order", "show", order, "--json").stdout
    said = json.loads(shown)
    assert said["schema"] == "hallmark.order/1"
    assert [said[k] for k in ("quota", "used", "confirmed", "left")] == [4, 2, 1, 2]
    text = factory.planner("order", "show", order).stdout.decode()
    assert order in text and re.search(r"left\s+2", text)


# --- a database and a ledger that do not fit ----------------------------------------

@pytest.fixture
def own_state(factory):
    """A test that leaves the server with its own state, running."""
    yield
    factory.stop()
    factory.write_yaml()
    factory.start()


def times(folder):
    paths = [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names]
    return {path: os.stat(path).st_mtime_ns for path in paths}


def test_an_older_database_beside_a_newer_ledger(factory, bench, own_state):
    """Devices that were made since would be forgotten: it does not start."""
    order = factory.order("soft", "soft-1", quota=2)
    factory.backup("older")
    make_device(bench, factory, order, soft(factory))
    factory.stop()
    factory.restore("older", "mixed", "--seen", "older/ledger")
    shutil.rmtree(factory.path("mixed", "ledger"))
    shutil.copytree(factory.path("state", "ledger"), factory.path("mixed", "ledger"))
    factory.write_yaml("mixed")
    before = times(factory.path("mixed", "ledger"))
    done = factory.run(HALLMARKD, "--config", "hallmarkd.yaml", status=None)
    assert done.returncode != 0
    assert b"HM-8203" in done.stdout + done.stderr
    assert times(factory.path("mixed", "ledger")) == before


def test_the_record_is_consistent(factory):
    verdict = factory.audit()
    assert verdict["consistent"] and verdict["findings"] == []
