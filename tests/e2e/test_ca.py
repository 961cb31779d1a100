# SPDX-License-Identifier: Apache-2.0
"""Certificates and revocation lists, read by code that is not ours.

ca_tool makes a hierarchy with keys in a SoftHSM token; OpenSSL's command,
GnuTLS's certtool, python3-cryptography and mbedTLS read and judge the files.
Run by meson, which sets CA_TOOL, MBEDTLS_CERT and SOFTHSM.
"""
import datetime, ipaddress, os, re, shutil, subprocess
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID, ObjectIdentifier

LEAVES = ["server", "station", "client", "device1", "device2", "device3"]
DEVICES = ["device1", "device2", "device3"]
HW_TYPE = "1.3.6.1.4.1.32473.1.1"
HARDWARE_MODULE = ObjectIdentifier("1.3.6.1.5.5.7.8.4")
CMC_RA = ObjectIdentifier("1.3.6.1.5.5.7.3.28")


def run(*argv, **more):
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, **more)


def must(*argv, **more):
    got = run(*argv, **more)
    assert got.returncode == 0, got.stdout + got.stderr
    return got.stdout + got.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ca")
    conf = folder / "softhsm2.conf"
    (folder / "tokens").mkdir()
    conf.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n")
    must(os.environ["CA_TOOL"], os.environ["SOFTHSM"], str(folder),
         env={**os.environ, "SOFTHSM2_CONF": str(conf)})
    return folder


def load(made, name):
    return x509.load_pem_x509_certificate((made / f"{name}.pem").read_bytes())


@pytest.mark.parametrize("leaf", LEAVES)
def test_openssl_builds_the_chain_strictly(made, leaf):
    out = must("openssl", "verify", "-x509_strict", "-CAfile", made / "root.pem",
               "-untrusted", made / "sub.pem", made / f"{leaf}.pem")
    assert out.strip().endswith("OK")


@pytest.mark.parametrize("leaf,purpose,good", [
    ("server", "sslserver", True), ("server", "sslclient", False),
    ("station", "sslclient", True), ("station", "sslserver", False),
    ("client", "sslclient", True), ("client", "sslserver", False)])
def test_openssl_takes_each_for_its_purpose_only(made, leaf, purpose, good):
    got = run("openssl", "verify", "-purpose", purpose, "-CAfile", made / "root.pem",
              "-untrusted", made / "sub.pem", made / f"{leaf}.pem")
    assert (got.returncode == 0) == good, got.stderr


@pytest.mark.parametrize("host,good", [
    ("prov.example.com", True), ("other.example.com", False)])
def test_openssl_knows_the_server_by_its_name(made, host, good):
    got = run("openssl", "verify", "-verify_hostname", host, "-CAfile", made / "root.pem",
              "-untrusted", made / "sub.pem", made / "server.pem")
    assert (got.returncode == 0) == good
    got = run("openssl", "verify", "-verify_ip", "2001:db8::7", "-CAfile", made / "root.pem",
              "-untrusted", made / "sub.pem", made / "server.pem")
    assert got.returncode == 0, got.stderr


def test_openssl_prints_a_device(made):
    out = must("openssl", "x509", "-in", made / "device1.pem", "-noout", "-text",
               "-nameopt", "RFC2253")
    assert "Subject: CN=SN-0001,serialNumber=SN-0001,O=Example Works" in out
    assert "Issuer: CN=Example Line CA,O=Example Works" in out
    assert "Not After : Dec 31 23:59:59 9999 GMT" in out
    assert "ecdsa-with-SHA256" in out
    assert re.search(r"X509v3 Key Usage: critical\s+Digital Signature\n", out)
    assert "1.3.6.1.5.5.7.8.4" in out or "Hardware Module" in out
    assert "Basic Constraints" not in out and "Subject Key Identifier" not in out


def test_openssl_refuses_the_revoked_device_and_only_it(made):
    for device in DEVICES:
        got = run("openssl", "verify", "-crl_check_all", "-CAfile", made / "root.pem",
                  "-untrusted", made / "sub.pem", "-CRLfile", made / "sub.crl",
                  "-CRLfile", made / "root.crl", made / f"{device}.pem")
        assert (got.returncode == 0) == (device != "device2"), got.stderr
        if device == "device2":
            assert "certificate revoked" in got.stderr


def test_openssl_refuses_an_altered_certificate(made, tmp_path):
    der = bytearray(load(made, "device1").public_bytes(
        serialization.Encoding.DER))
    at = der.index(b"SN-0001")
    der[at + 6:at + 7] = b"9"
    (tmp_path / "altered.der").write_bytes(der)
    must("openssl", "x509", "-inform", "DER", "-in", tmp_path / "altered.der",
         "-out", tmp_path / "altered.pem")
    got = run("openssl", "verify", "-CAfile", made / "root.pem", "-untrusted",
              made / "sub.pem", tmp_path / "altered.pem")
    assert got.returncode != 0 and "signature failure" in got.stderr


@pytest.mark.skipif(not shutil.which("certtool"), reason="no GnuTLS certtool here")
def test_certtool_reads_certificates_and_lists(made):
    out = must("certtool", "--certificate-info", "--infile", made / "device1.pem")
    assert "Version: 3" in out and "CN=SN-0001,serialNumber=SN-0001,O=Example Works" in out
    assert "Not After: Fri Dec 31 23:59:59 UTC 9999" in out or "9999" in out
    assert "1.3.6.1.5.5.7.8.4" in out
    assert "Digital signature" in out and "warning" not in out.lower()
    chain = made / "chain.pem"
    chain.write_text("".join((made / f"{n}.pem").read_text() for n in ("device1", "sub", "root")))
    out = must("certtool", "--verify-chain", "--infile", chain)
    assert "Chain verification output: Verified." in out
    out = must("certtool", "--crl-info", "--infile", made / "sub.crl")
    assert "Version: 2" in out and "Revoked certificates (1)" in out
    assert re.search(r"CRL Number.*: 0102", out)
    assert f"{load(made, 'device2').serial_number:040x}" in out.lower().replace(":", "")
    out = must("certtool", "--crl-info", "--infile", made / "root.crl")
    assert "No revoked certificates" in out


def test_cryptography_reads_every_extension(made):
    root, sub = load(made, "root"), load(made, "sub")
    for cert, path_len in ((root, 1), (sub, 0)):
        basic = cert.extensions.get_extension_for_class(x509.BasicConstraints)
        usage = cert.extensions.get_extension_for_class(x509.KeyUsage)
        assert basic.critical and basic.value == x509.BasicConstraints(True, path_len)
        assert usage.critical and usage.value.key_cert_sign and usage.value.crl_sign
        assert not usage.value.digital_signature
        assert isinstance(cert.signature_hash_algorithm, hashes.SHA384)
    assert isinstance(root.public_key().curve, ec.SECP384R1)
    for name in LEAVES:
        cert = load(made, name)
        aki = cert.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        ski = sub.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        assert aki.key_identifier == ski.digest
        assert cert.serial_number.bit_length() == 159
        sub.public_key().verify(cert.signature, cert.tbs_certificate_bytes,
                                ec.ECDSA(cert.signature_hash_algorithm))
        # RFC 7093 method 1
        digest = hashes.Hash(hashes.SHA256())
        digest.update(sub.public_key().public_bytes(
            serialization.Encoding.X962,
            serialization.PublicFormat.UncompressedPoint))
        assert ski.digest == digest.finalize()[:20]


def test_cryptography_reads_the_profiles(made):
    purposes = {"server": {ExtendedKeyUsageOID.SERVER_AUTH},
                "station": {ExtendedKeyUsageOID.CLIENT_AUTH, CMC_RA},
                "client": {ExtendedKeyUsageOID.CLIENT_AUTH}}
    for name, want in purposes.items():
        cert = load(made, name)
        assert set(cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == want
        assert cert.not_valid_after - cert.not_valid_before == datetime.timedelta(days=90)
    names = load(made, "server").extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["prov.example.com"]
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address("192.0.2.7"), ipaddress.ip_address("2001:db8::7")]
    assert load(made, "station").subject.get_attributes_for_oid(
        NameOID.COMMON_NAME)[0].value == "station 3, Prüfplatz"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_cryptography_reads_the_idevid(made, number):
    cert = load(made, f"device{number}")
    assert cert.not_valid_after == datetime.datetime(9999, 12, 31, 23, 59, 59)
    serial = cert.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value
    assert serial == f"SN-{number:04}"
    san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert not san.critical
    (other,) = san.value.get_values_for_type(x509.OtherName)
    oid = bytes.fromhex("060a2b0601040181fd590101")
    hw = bytes.fromhex("040800112233445566") + bytes([number])
    assert other.type_id == HARDWARE_MODULE
    assert other.value == b"\x30" + bytes([len(oid + hw)]) + oid + hw
    with pytest.raises(x509.ExtensionNotFound):
        cert.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE)


def test_cryptography_reads_the_lists(made):
    sub = load(made, "sub")
    crl = x509.load_pem_x509_crl((made / "sub.crl").read_bytes())
    assert crl.is_signature_valid(sub.public_key())
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 258
    (entry,) = list(crl)
    assert entry.serial_number == load(made, "device2").serial_number
    assert entry.extensions.get_extension_for_class(
        x509.CRLReason).value.reason == x509.ReasonFlags.key_compromise
    empty = x509.load_pem_x509_crl((made / "root.crl").read_bytes())
    assert list(empty) == []
    assert empty.is_signature_valid(load(made, "root").public_key())


def test_mbedtls_reads_and_judges(made):
    out = must(os.environ["MBEDTLS_CERT"], made / "root.pem", made / "sub.pem", made / "sub.crl",
               *(made / f"{leaf}.pem" for leaf in LEAVES))
    for leaf in LEAVES:
        if leaf == "device2":
            assert re.search(r"device2\.pem: The certificate has been revoked", out), out
        else:
            assert f"{leaf}.pem: good" in out, out
    # 2.28 prints hardware type and serial number of an otherName.
    assert "hardware type          : 2B:06:01:04:01:81:FD:59:01:01" in out \
        or HW_TYPE in out, out
    assert "00112233445566" in out.replace(":", "").replace(" ", ""), out
