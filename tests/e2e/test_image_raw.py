# SPDX-License-Identifier: Apache-2.0
"""Signatures beside a file, bare and as CMS: openssl takes ours, we take openssl's"""
import json, os, subprocess

import pytest

from line import HALLMARK

KEYS = {"p256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:3072"], "ed25519": ["ED25519"]}
PSS = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]


class Place:
    def __init__(self, folder):
        self.folder = folder
        self.write("app.bin", os.urandom(60001))
        for name, how in KEYS.items():
            self.openssl("genpkey", "-algorithm", how[0], "-out", f"{name}.pem", *how[1:])
            self.openssl("pkey", "-in", f"{name}.pem", "-pubout", "-out", f"{name}.pub")
            self.openssl("req", "-x509", "-new", "-key", f"{name}.pem", "-subj", "/CN=signer",
                         "-days", "30", "-out", f"{name}.crt")

    def write(self, name, content):
        (self.folder / name).write_bytes(content)
        return name

    def read(self, name):
        return (self.folder / name).read_bytes()

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *words):
        return subprocess.run([HALLMARK, "image", *words], cwd=self.folder, capture_output=True,
                              timeout=60, env=dict(os.environ, SOURCE_DATE_EPOCH="1767225600"))

    def image(self, *words, status=0):
        done = self.run(*words)
        assert done.returncode == status, (words, done.returncode, done.stderr)
        return done

    def verdict(self, status, *words):
        done = self.image("verify", *words, "--json", "app.bin", status=status)
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("raw"))


def sign(place, key, *more, form="raw"):
    place.image("sign", "--format", form, "--key", f"{key}.pem", *more, "-o", "app.sig", "app.bin")


def openssl_takes(place, key, digest):
    if key == "ed25519":
        place.openssl("pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "ed25519.pub",
                      "-sigfile", "app.sig", "-in", "app.bin")
        return
    pss = PSS if key == "rsa" else []
    place.openssl("dgst", f"-{digest}", "-verify", f"{key}.pub", "-signature", "app.sig", *pss,
                  "app.bin")


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("key", KEYS)
def test_openssl_takes_bare_signatures(place, key, digest):
    sign(place, key, "--hash", digest)
    openssl_takes(place, key, digest)
    found = place.verdict(0, "--format", "raw", "--hash", digest, "--key", f"{key}.pub",
                          "--signature", "app.sig")
    assert found["verdict"] == "accept"


def test_pkcs1_and_fixed_width(place):
    sign(place, "rsa", "--padding", "pkcs1")
    place.openssl("dgst", "-sha256", "-verify", "rsa.pub", "-signature", "app.sig", "app.bin")
    # PKCS#1 is not PSS
    found = place.verdict(4, "--format", "raw", "--key", "rsa.pub", "--signature", "app.sig")
    assert found["error"] == "HM-3206"
    sign(place, "p256", "--signature-form", "fixed")
    assert len(place.read("app.sig")) == 64
    place.verdict(0, "--format", "raw", "--key", "p256.pub", "--signature-form", "fixed",
                  "--signature", "app.sig")
    place.verdict(4, "--format", "raw", "--key", "p256.pub", "--signature", "app.sig")


def test_another_key_another_file_altered(place):
    sign(place, "p256")
    good = place.read("app.sig")
    for words in (["--key", "p384.pub"], ["--key", "rsa.pub", "--key", "ed25519.pub"]):
        found = place.verdict(4, "--format", "raw", *words, "--signature", "app.sig")
        assert found["error"] == "HM-3206"
    for at in range(0, len(good), 5):
        place.write("bad.sig", good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        place.verdict(4, "--format", "raw", "--key", "p256.pub", "--signature", "bad.sig")
    for cut in (good[:-1], good + b"\0", b""):
        place.write("bad.sig", cut)
        place.verdict(4, "--format", "raw", "--key", "p256.pub", "--signature", "bad.sig")


@pytest.mark.parametrize("key,more", [("p256", []), ("p384", ["--hash", "sha384"]), ("rsa", []),
                                      ("rsa", ["--padding", "pkcs1"]),
                                      ("rsa", ["--hash", "sha512"])])
def test_openssl_takes_cms(place, key, more):
    sign(place, key, "--certificate", f"{key}.crt", *more, form="cms")
    place.openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", "app.sig", "-content",
                  "app.bin", "-CAfile", f"{key}.crt", "-purpose", "any", "-out", "/dev/null")
    place.verdict(0, "--format", "cms", "--key", f"{key}.pub", "--signature", "app.sig")
    assert b"260101000000Z" in place.read("app.sig")


@pytest.mark.parametrize("key,more", [
    ("p256", []), ("p384", ["-md", "sha384"]), ("rsa", []),
    ("rsa", ["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"]),
    ("p256", ["-nosmimecap"]), ("p256", ["-nocerts"])])
def test_cms_of_openssl_is_taken(place, key, more):
    place.openssl("cms", "-sign", "-binary", "-in", "app.bin", "-signer", f"{key}.crt", "-inkey",
                  f"{key}.pem", "-outform", "DER", "-out", "theirs.cms", *more)
    place.verdict(0, "--format", "cms", "--key", f"{key}.pub", "--signature", "theirs.cms")


def test_cms_that_is_not_right(place):
    sign(place, "p256", "--certificate", "p256.crt", form="cms")
    good = place.read("app.sig")
    refused = {}
    for at in range(0, len(good), 3):
        place.write("bad.sig", good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        done = place.run("verify", "--format", "cms", "--key", "p256.pub", "--signature", "bad.sig",
                         "app.bin")
        refused[at] = done.returncode
    # The certificate and the name of its issuer prove nothing; every other byte counts.
    certificate = place.openssl("x509", "-in", "p256.crt", "-outform", "DER")
    start = good.index(certificate)
    end = start + len(certificate)
    issuer = good.index(b"signer", end)
    for at, status in refused.items():
        if at < start or (at >= end and not issuer - 40 <= at < issuer + 40):
            assert status == 4, at


def test_cms_wants_the_certificate_of_its_key(place):
    done = place.image("sign", "--format", "cms", "--key", "p256.pem", "--certificate", "p384.crt",
                       "-o", "x.sig", "app.bin", status=4)
    assert b"HM-4301" in done.stderr
    assert not (place.folder / "x.sig").exists()
    place.image("sign", "--format", "cms", "--key", "p256.pem", "-o", "x.sig", "app.bin", status=2)
    done = place.image("sign", "--format", "cms", "--key", "ed25519.pem", "--certificate",
                       "ed25519.crt", "-o", "x.sig", "app.bin", status=4)
    assert b"CMS is signed by RSA and EC keys" in done.stderr


def test_other_content_and_several_signers(place):
    sign(place, "rsa", "--certificate", "rsa.crt", form="cms")
    place.write("other.bin", b"another file")
    done = place.image("verify", "--format", "cms", "--key", "rsa.pub", "--signature", "app.sig",
                       "--json", "other.bin", status=4)
    assert json.loads(done.stdout)["error"] == "HM-3205"
    place.openssl("cms", "-sign", "-binary", "-in", "app.bin", "-signer", "rsa.crt", "-inkey",
                  "rsa.pem", "-signer", "p256.crt", "-inkey", "p256.pem", "-outform", "DER", "-out",
                  "two.cms")
    found = place.verdict(4, "--format", "cms", "--key", "rsa.pub", "--signature", "two.cms")
    assert found["error"] == "HM-3204"
    place.write("small.bin", b"content")
    place.openssl("cms", "-sign", "-binary", "-nodetach", "-in", "small.bin", "-signer", "rsa.crt",
                  "-inkey", "rsa.pem", "-outform", "DER", "-out", "whole.cms")
    done = place.image("verify", "--format", "cms", "--key", "rsa.pub", "--signature", "whole.cms",
                       "--json", "small.bin", status=4)
    assert json.loads(done.stdout)["error"] == "HM-3204"


def test_p192_is_too_weak(place):
    """Signing and trusting; openssl makes what is judged"""
    place.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime192v1", "-out", "weak.pem")
    place.openssl("pkey", "-in", "weak.pem", "-pubout", "-out", "weak.pub")
    place.openssl("req", "-x509", "-new", "-key", "weak.pem", "-subj", "/CN=signer", "-days", "30", "-out", "weak.crt")
    place.openssl("dgst", "-sha256", "-sign", "weak.pem", "-out", "weak.sig", "app.bin")
    place.openssl("cms", "-sign", "-binary", "-outform", "DER", "-in", "app.bin", "-signer", "weak.crt", "-inkey",
                  "weak.pem", "-md", "sha256", "-out", "weak.cms")
    for words in (["sign", "--format", "raw", "--key", "weak.pem", "-o", "no.sig"],
                  ["sign", "--format", "cms", "--key", "weak.pem", "--certificate", "weak.crt", "-o", "no.sig"],
                  ["verify", "--format", "raw", "--key", "weak.pub", "--signature", "weak.sig"],
                  ["verify", "--format", "cms", "--key", "weak.pub", "--signature", "weak.cms"]):
        done = place.run(*words, "app.bin")
        assert done.returncode == 4 and b"HM-3212" in done.stderr and b"accept" not in done.stdout, (words, done)
    assert not (place.folder / "no.sig").exists()


def test_nothing_to_sign(place):
    place.write("empty", b"")
    done = place.image("sign", "--format", "raw", "--key", "p256.pem", "-o", "x.sig", "empty",
                       status=10)
    assert b"HM-3209" in done.stderr
