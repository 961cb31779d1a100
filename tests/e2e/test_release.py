# SPDX-License-Identifier: Apache-2.0
"""Releases: MCUboot and ESP32 images from development to production, and to a factory

Images are signed by `hallmark image`, promoted with a key in SoftHSM, approved by two people,
ordered, packed for one station and opened by it only. What must not be is tried beside it.
"""
import json, os, subprocess
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, \
    PublicFormat, load_pem_public_key
from cryptography.x509.oid import NameOID

from counterpart import sha256
from line import MODULE, OEM, Factory, utc
from test_image import SAMPLES

PAYLOAD = bytes(range(256)) * 33
ROLE, UNTRUSTED, COUNTER, PROMOTION, APPROVALS = 3213, 3207, 3111, 6123, 6120
REVOKED, CHANNEL, TWICE, OPEN, HASH = 6121, 3110, 7001, 3208, 3205
KEY, SIGNATURE, NOBODY, ABSENT, FORMAT = 4303, 3206, 4304, 4102, 3201


class World:
    def __init__(self):
        factory = self.factory = Factory()
        self.make_carol()
        factory.start()
        factory.open_up()
        factory.product("thermo", extra="  soft_in_prod: true\n")
        for name in "dev", "other":
            self.make_key(name)
        factory.hallmark("hsm", "generate", OEM, "--label", "images", "--public", "prod.pub",
                         "--module", MODULE, "--pin", "file:pin")
        factory.write("app.raw", PAYLOAD)
        self.sign("app.dev", "dev")
        factory.write("data.bin", b"some data")
        for name, version in ("old", "1.0"), ("new", "1.1"):
            factory.write(name + ".spdx.json", json.dumps(
                {"spdxVersion": "SPDX-2.3", "packages": [
                    {"name": "zlib", "versionInfo": version},
                    {"name": name, "versionInfo": "1"}]}))
        factory.write("old.cdx.json", json.dumps(
            {"bomFormat": "CycloneDX", "specVersion": "1.5",
             "components": [{"name": "mbedtls", "version": "3.5.0"}]}))

    def make_carol(self):
        """An approver whose key is in a token and nowhere else; another CA certified it"""
        factory = self.factory
        factory.hallmark("hsm", "generate", OEM, "--label", "carol", "--public", "carol.pub", "--module", MODULE,
                         "--pin", "file:pin")
        name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "carol")]), datetime.now(timezone.utc)
        key, ca = load_pem_public_key(factory.read("carol.pub")), ec.generate_private_key(ec.SECP256R1())
        made = x509.CertificateBuilder(name, name, key, x509.random_serial_number(), now - timedelta(days=1),
                                       now + timedelta(days=30))
        for extension, critical in (
                (x509.BasicConstraints(False, None), True),
                (x509.KeyUsage(True, *[False] * 8), True),
                (x509.SubjectKeyIdentifier.from_public_key(key), False),
                (x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key()), False)):
            made = made.add_extension(extension, critical)
        factory.write("carol.pem", made.sign(ca, hashes.SHA256()).public_bytes(Encoding.PEM))
        factory.write("hallmarkd.yaml", factory.read("hallmarkd.yaml").replace(
            b"approvers: [", b'approvers: ["carol.pem", '))

    def make_key(self, name):
        key = ec.generate_private_key(ec.SECP256R1())
        self.factory.write(name + ".key.pem", key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
        self.factory.write(name + ".pub.pem", key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def sign(self, out, key, counter=3):
        self.factory.hallmark("image", "sign", "--format", "mcuboot", "--key", key + ".key.pem",
                              "--image-version", "1.2.3+4", "--header-size", "512", "--pad-header",
                              "--security-counter", str(counter), "--output", out, "app.raw")

    def create(self, name, channel, image="app.dev", counter=3, more=(), extra=""):
        return ("release", "create", name, "--product", "thermo", "--channel", channel,
                "--counter", str(counter), "--image", f"name=app,file={image}{extra}",
                "--image", "name=data,file=data.bin", "--dev-key", "dev.pub.pem",
                "--prod-key", "prod.pub", "--output", name + ".cose", *more)

    def promote(self, name, source, image="app.dev", out="app.prod", **given):
        return ("release", "promote", name, "--from", source, "--image",
                f"name=app,file={image},out={out}", "--image", "name=data,file=data.bin",
                "--dev-key", "dev.pub.pem", "--prod-key", "prod.pub",
                "--key", given.get("key", OEM + ";object=images"), "--module", MODULE,
                "--pin", "file:pin", "--output", name + ".cose")


@pytest.fixture(scope="module")
def world():
    made = World()
    yield made
    made.factory.close()


def test_from_development_to_a_station(world):
    factory = world.factory
    factory.planner(*world.create("2.0-dev", "dev", more=("--sbom", "old.spdx.json", "--sbom",
                                                         "old.cdx.json")))
    factory.planner(*world.promote("2.0", "thermo/2.0-dev"))
    shown = json.loads(factory.planner("release", "show", "thermo/2.0", "--json").stdout)
    app, data = shown["images"]
    assert app["format"] == "mcuboot" and app["counter"] == 3 and app["version"] == "1.2.3+4"
    assert app["digest"] == sha256(factory.read("app.prod")).hex()
    assert data["digest"] == sha256(b"some data").hex()
    assert shown["promoted_from"] == sha256(factory.read("2.0-dev.cose")).hex()
    assert shown["state"] == "waits for approvals" and len(shown["sboms"]) == 2
    before = json.loads(factory.planner("release", "show", "thermo/2.0-dev", "--json").stdout)
    assert before["images"][0]["payload"] == app["payload"]
    # the production key signed it, and the development key did not
    verify = ("image", "verify", "--format", "mcuboot", "app.prod", "--key")
    factory.hallmark(*verify, "prod.pub")
    factory.hallmark(*verify, "dev.pub.pem", status=4)
    end = 512 + len(PAYLOAD)
    assert factory.read("app.prod")[:end] == factory.read("app.dev")[:end]

    factory.write_order("thermo", "2.0")
    assert factory.refused("order", "create", "order.yaml") == APPROVALS
    factory.approve("2.0", "thermo", ["alice"])
    assert factory.refused("order", "create", "order.yaml") == APPROVALS
    done = factory.hallmark("release", "approve", "thermo/2.0", "--config", "alice.yaml",
                            "--json", status=None)
    assert json.loads(done.stderr)["id"] == f"HM-{TWICE}"
    factory.approve("2.0", "thermo", ["bob"])
    factory.planner("order", "create", "order.yaml")
    factory.write_order("thermo", "2.0-dev")
    assert factory.refused("order", "create", "order.yaml") == CHANNEL

    factory.planner("release", "bundle", "thermo/2.0", "--image", "name=app,file=app.prod",
                    "--image", "name=data,file=data.bin", "--to", "BENCH.pem", "-o", "2.0.bundle")
    assert PAYLOAD[:64] not in factory.read("2.0.bundle")
    opened = ("release", "open", "2.0.bundle", "--authority", "authority.pub")
    factory.hallmark(*opened, "--key", "BENCH.key", "--into", "opened")
    for name, file in (("app", "app.prod"), ("data", "data.bin"), ("release.cose", "2.0.cose")):
        assert factory.read("opened/" + name) == factory.read(file)
    done = factory.hallmark(*opened, "--key", "planner.key", "--into", "stolen", "--json",
                            status=None)
    assert json.loads(done.stderr)["id"] == f"HM-{OPEN}"
    assert not [f for f in os.listdir(factory.path("stolen"))]
    # another image does not get in
    assert factory.refused("release", "bundle", "thermo/2.0", "--image",
                           "name=app,file=app.dev", "--image", "name=data,file=data.bin",
                           "--to", "BENCH.pem", "-o", "wrong.bundle") == HASH

    factory.planner("release", "revoke", "thermo/2.0", "--reason", "a hole")
    factory.write_order("thermo", "2.0")
    assert factory.refused("order", "create", "order.yaml") == REVOKED
    found = factory.audit("--approver", "alice.pem", "--approver", "bob.pem")
    assert not [f for f in found["findings"] if not f.get("note")]


def test_what_is_no_release(world):
    factory = world.factory
    world.sign("app.other", "other")
    assert factory.refused(*world.create("x", "dev", "app.other")) == UNTRUSTED
    assert factory.refused(*world.create("x", "prod")) == ROLE  # a development key
    assert factory.refused(*world.create("x", "dev", counter=4)) == COUNTER  # below the release's
    assert factory.refused(*world.create("x", "dev", extra=",counter=9")) == COUNTER  # disagrees
    # in Intel HEX nobody sees the development key
    factory.hallmark("image", "convert", "--format", "mcuboot", "--hex-addr", "0x8000", "-o", "app.hex", "app.dev")
    assert factory.refused(*world.create("x", "prod", "app.hex")) == FORMAT
    factory.write("app.cut", factory.read("app.dev")[:-1])
    assert factory.refused(*world.create("x", "dev", "app.cut")) in range(3200, 3218)
    assert not os.path.exists(factory.path("x.cose"))


def test_what_is_no_promotion(world):
    factory = world.factory
    factory.planner(*world.create("3.0-dev", "dev"))
    world.sign("app.again", "dev")  # other signature bytes, so not the file that is named
    for given, error in ((("app.again",), PROMOTION), (("app.other",), UNTRUSTED)):
        assert factory.refused(*world.promote("3.0", "thermo/3.0-dev", *given,
                                              out="none")) == error
    assert factory.refused(*world.promote("3.0", "thermo/3.0-dev", out="none",
                                          key="dev.key.pem")) == ROLE
    factory.write("sample.pub", SAMPLES["MCUboot"])
    assert factory.refused(*world.promote("3.0", "thermo/3.0-dev", out="none"), "--prod-key", "sample.pub") == ROLE
    assert not os.path.exists(factory.path("none"))


def test_approves_with_a_key_in_a_token(world):
    """It never leaves the token; her command reaches the server with a certificate that approves nothing"""
    factory = world.factory
    factory.planner(*world.create("5.0-dev", "dev"))
    factory.planner(*world.promote("5.0", "thermo/5.0-dev", out="app5.prod"))
    factory.register("carol", "approver")
    top = factory.read("hallmark.yaml").decode()
    for label in "carol", "images", "absent":
        factory.write(f"{label}.yaml", top.partition("authority:")[0] + f"""approver:
  uri: "{OEM}"
  module: "{MODULE}"
  key: "pkcs11:object={label}"
  pin: "file:pin"
""")

    def approve(label, status=None):
        done = factory.hallmark("release", "approve", "thermo/5.0", "--as", "carol", "--json", "--config",
                                label + ".yaml", status=status)
        return done.stderr and json.loads(done.stderr)["id"]
    assert approve("images") == f"HM-{NOBODY}"  # another key of the same token
    assert approve("absent") == f"HM-{ABSENT}"
    approve("carol", status=0)
    assert approve("carol") == f"HM-{TWICE}"
    factory.write_order("thermo", "5.0")
    assert factory.refused("order", "create", "order.yaml") == APPROVALS
    factory.approve("5.0", "thermo", ["bob"])
    factory.planner("order", "create", "order.yaml")


ITS = """/dts-v1/; / { description = "board"; #address-cells = <1>;
 images { kernel { description = "kernel"; data = /incbin/("app.raw"); type = "kernel"; arch = "arm64";
   os = "linux"; compression = "none"; load = <0x80000>; entry = <0x80000>; hash-1 { algo = "sha256"; }; }; };
 configurations { default = "conf-1"; conf-1 { description = "one"; kernel = "kernel"; };
   OTHER }; };
"""


def shown(factory, name):
    return json.loads(factory.planner("release", "show", name, "--json").stdout)["images"][0]


class Kind:
    """An image of one format, signed for development"""

    def __init__(self, world, name, options, source="app.raw", more=(), spec="", verify=()):
        self.world, self.name, self.more, self.spec = world, name, more, spec
        self.verify = ("image", "verify", "--format", options[0], *verify, "--key")
        world.factory.hallmark("image", "sign", "--format", *options, "--key", "dev.key.pem", "--output",
                               name + ".dev", source)

    def release(self, *more):
        return self.world.factory, ("release", "create", self.name + "-dev", "--product", "thermo", "--channel",
            "dev", "--counter", "3", "--image", f"name=app,file={self.name}.dev", "--dev-key", "dev.pub.pem", "--prod-key",
            "prod.pub", "--output", self.name + "-dev.cose", *more)

    def promotion(self, *more):
        return ("release", "promote", self.name, "--from", f"thermo/{self.name}-dev", "--image",
                f"name=app,file={self.name}.dev,out={self.name}.prod{self.spec}", "--dev-key", "dev.pub.pem",
                "--prod-key", "prod.pub", "--key", OEM + ";object=images", "--module", MODULE, "--pin",
                "file:pin", "--output", self.name + ".cose", *more)

    def promote(self):
        factory, create = self.release(*self.more)
        factory.planner(*create)
        factory.planner(*self.promotion(*self.more))
        old, new = (shown(factory, f"thermo/{self.name}{channel}") for channel in ("-dev", ""))
        assert old["payload"] == new["payload"] != "00" * 32 and old["digest"] != new["digest"]
        assert new["digest"] == sha256(factory.read(self.name + ".prod")).hex()
        factory.hallmark(*self.verify, "prod.pub", self.name + ".prod")
        factory.hallmark(*self.verify, "dev.pub.pem", self.name + ".prod", status=4)
        return old, new


MCUBOOT = ("mcuboot", "--image-version", "1.2.3", "--security-counter", "3", "--header-size", "512", "--pad-header")


def test_promotes_an_encrypted_image(world):
    factory = world.factory
    kind = Kind(world, "sealed", (*MCUBOOT, "--encrypt-key", "other.pub.pem"),
                more=("--decrypt-key", "other.key.pem"), verify=("--decrypt-key", "other.key.pem"))
    assert PAYLOAD[:64] not in factory.read("sealed.dev")
    old, _ = kind.promote()
    # the ciphertext and the wrapped key went on as they were
    end = 512 + (len(PAYLOAD) + 15) // 16 * 16
    assert factory.read("sealed.prod")[:end] == factory.read("sealed.dev")[:end]
    # and the payload is all that is signed, in plaintext
    header, area = (factory.read("sealed.dev")[part] for part in (slice(512), slice(end, end + 12)))
    assert old["payload"] == sha256(header + PAYLOAD + bytes(-len(PAYLOAD) % 16) + area).hex()
    # who cannot read it cannot promote it
    assert factory.refused(*kind.promotion()) == OPEN
    assert factory.refused(*kind.promotion("--decrypt-key", "dev.key.pem")) == OPEN
    assert factory.refused(*kind.promotion("--decrypt-key", "other.pub.pem")) == KEY


def test_promotes_the_image_inside_of_an_encrypted_one(world):
    """Espressif's pre-encrypted OTA: the signature is inside; nobody judges or promotes what he cannot see"""
    factory, key = world.factory, ("--decrypt-key", "other.key.pem")
    kind = Kind(world, "inside", ("esp-secure-boot-v2", "--content", "data"))
    os.rename(factory.path("inside.dev"), factory.path("inside.signed"))
    factory.hallmark("image", "encrypt", "--format", "esp-encrypted-img", "--encrypt-key", "other.pub.pem",
                     "--output", "inside.dev", "inside.signed")
    _, create = kind.release(*key)
    assert factory.refused(*kind.release()[1]) == OPEN
    factory.planner(*create)
    assert factory.refused(*kind.promotion()) == OPEN
    factory.planner(*kind.promotion(*key))
    old, new = (shown(factory, f"thermo/inside{channel}") for channel in ("-dev", ""))
    assert old["payload"] == new["payload"] and old["digest"] != new["digest"]
    # a content key, an ephemeral point and an IV of its own, for the same device
    assert factory.read("inside.dev")[4:404] != factory.read("inside.prod")[4:404]
    factory.hallmark("image", "decrypt", "--format", "esp-encrypted-img", *key, "--output", "inside.open",
                     "inside.prod")
    body = factory.read("inside.open")[:-4096]
    assert body == factory.read("inside.signed")[:-4096] and sha256(body).hex() == new["payload"]
    verify = ("image", "verify", "--format", "esp-secure-boot-v2", "--content", "data", "inside.open", "--key")
    factory.hallmark(*verify, "prod.pub")
    factory.hallmark(*verify, "dev.pub.pem", status=4)
    # a development signature does not get into a production release under a cover
    create = [word if word != "dev" else "prod" for word in create]
    create[2] = "covered"
    assert factory.refused(*create) == ROLE


def test_promotes_a_boot_record(world):
    kind = Kind(world, "record", (*MCUBOOT, "--boot-record", "App"))
    kind.promote()
    old, new = (world.factory.read("record" + end) for end in (".dev", ".prod"))
    keys = [sha256(load_pem_public_key(world.factory.read(name)).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo)) for name in ("dev.pub.pem", "prod.pub")]
    area = slice(512 + len(PAYLOAD), 512 + len(PAYLOAD) + int.from_bytes(old[10:12], "little"))
    assert keys[0] in old[area] and keys[1] in new[area] and keys[0] not in new
    assert old[:512 + len(PAYLOAD)] == new[:512 + len(PAYLOAD)]
    assert old[area].replace(keys[0], keys[1]) == new[area]


def test_promotes_a_fit(world):
    factory = world.factory

    def make(name, other=""):
        factory.write("in.its", ITS.replace("OTHER", other))
        subprocess.run(["mkimage", "-f", "in.its", name], cwd=factory.dir, check=True,
                       stdout=subprocess.DEVNULL)
    make("fit.itb")
    kind = Kind(world, "tree", ("fit", "--hint", "dev"), "fit.itb", spec=",hint=prod")
    kind.promote()
    assert b"dev\0" in factory.read("tree.dev") and b"prod\0" in factory.read("tree.prod")
    kind.spec = ""
    factory.planner(*kind.promotion(), status=2)  # which key the boot loader should look for
    # a configuration that nobody signed for development is not signed for production
    make("two.itb", 'conf-2 { description = "two"; kernel = "kernel"; };')
    half = Kind(world, "half", ("fit", "--hint", "dev", "--configuration", "conf-1"), "two.itb",
                spec=",hint=prod")
    _, create = half.release()
    factory.planner(*create)
    assert factory.refused(*half.promotion()) == SIGNATURE
    assert not os.path.exists(factory.path("half.prod"))


def test_diff(world):
    factory = world.factory
    world.sign("app.next", "dev", counter=5)
    for name, image, counter, bom in (("4.0", "app.dev", 3, "old"), ("4.1", "app.next", 4, "new")):
        factory.planner(*world.create(name, "dev", image, counter,
                                      ("--sbom", bom + ".spdx.json")))
    done = factory.planner("release", "diff", "thermo/4.0", "thermo/4.1", "--sbom",
                           "old.spdx.json", "--sbom", "new.spdx.json", "--json")
    found = {(c["what"], c["name"]): (c["change"], c["text"])
             for c in json.loads(done.stdout)["changes"]}
    assert found["counter", "4.1"] == ("changed", "3 -> 4")
    assert found["counter", "app"] == ("changed", "3 -> 5")
    assert found["component", "zlib"] == ("changed", "1.0 -> 1.1")
    assert found["component", "old"] == ("removed", "1")
    assert found["component", "new"] == ("added", "1")
    assert found["image", "app"][0] == "changed" and ("image", "data") not in found
