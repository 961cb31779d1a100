# SPDX-License-Identifier: Apache-2.0
"""`hallmark image` whatever the format: keys, request and response, files, options

What is signed here is a raw file. Each signature is judged by openssl's command, and each answer
to a request is made by it.
"""
import base64, json, os, pathlib, pty, re, shlex, subprocess

import pytest

from line import HALLMARK, MODULE

KINDS = {"rsa2048": None, "rsa3072": None, "rsa4096": None,
         "p256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
         "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "ed25519": ["ED25519"]}
KEYS = pathlib.Path(__file__).parents[1] / "vectors/images/keys"
PIN = "4711-pin-of-images"
PSS = ["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest"]


def run(*argv, **given):
    return subprocess.run(argv, capture_output=True, timeout=300, check=False, **given)


def openssl(*argv):
    done = run("openssl", *argv)
    assert done.returncode == 0, (argv, done.stderr)
    return done.stdout


class Bench:
    """A folder with a payload, a key of each kind as PEM and in a token."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "tokens").mkdir()
        (folder / "softhsm2.conf").write_text(
            f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.env = dict(os.environ, SOFTHSM2_CONF=str(folder / "softhsm2.conf"))
        for name, value in (("pin", PIN), ("so-pin", "12345678"), ("word", "correct horse")):
            self.write(name, value.encode(), 0o600)
        self.write("app.bin", bytes(range(256)) * 300 + b"odd")
        for kind, how in KINDS.items():
            if how:
                openssl("genpkey", "-algorithm", how[0], "-out", self.at(f"{kind}.pem"), *how[1:])
            else:
                self.write(f"{kind}.pem", (KEYS / f"{kind}.pem").read_bytes())
            openssl("pkey", "-in", self.at(f"{kind}.pem"), "-pubout", "-out", self.at(f"{kind}.pub"))
        self.ok("hsm", "init", "images", "--module", MODULE, "--pin", "file:pin",
                "--so-pin", "file:so-pin")
        for kind in KINDS:
            self.ok("hsm", "generate", "pkcs11:token=images", "--label", kind, "--type", kind,
                    "--public", f"{kind}.token.pub", *self.token())

    def token(self):
        return ["--module", MODULE, "--pin", "file:pin"]

    def at(self, name):
        return str(self.folder / name)

    def write(self, name, data, mode=0o644):
        (self.folder / name).write_bytes(data)
        os.chmod(self.at(name), mode)

    def read(self, name):
        return (self.folder / name).read_bytes()

    def hallmark(self, *argv, **given):
        return run(HALLMARK, *argv, cwd=self.folder, env=self.env, **given)

    def ok(self, *argv, **given):
        done = self.hallmark(*argv, **given)
        assert done.returncode == 0, (argv, done.stderr.decode())
        return done

    def refused(self, status, error, *argv):
        """The command fails so, and no file comes, goes or changes."""
        before = {p.name: p.read_bytes() for p in self.folder.iterdir() if p.is_file()}
        done = self.hallmark(*argv)
        assert done.returncode == status, done.stderr.decode()
        assert f"HM-{error}" in done.stderr.decode()
        assert before == {p.name: p.read_bytes() for p in self.folder.iterdir() if p.is_file()}
        return done.stderr.decode()

    def judge(self, kind, public, signature, data):
        """Does openssl accept the signature?"""
        self.write("judged.sig", der(kind, signature))
        self.write("judged", data)
        more = ["-rawin"] if kind == "ed25519" else ["-rawin", "-digest", "sha256"]
        if kind.startswith("rsa"):
            more += PSS
        return run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", self.at(public), "-in",
                   self.at("judged"), "-sigfile", self.at("judged.sig"), *more).returncode == 0

    def answer(self, kind, request):
        """What openssl makes of the first item of a request."""
        item = request["items"][0]
        more = []
        if item["scheme"] == "ed25519":
            self.write("answered", base64.b64decode(item["message"]))
            more = ["-rawin"]
        else:
            self.write("answered", bytes.fromhex(item["digest"]))
            more = ["-pkeyopt", "digest:" + item["hash"]]
        if item["scheme"] == "rsa-pss":
            assert item["salt"] == 32
            more += PSS
        return openssl("pkeyutl", "-sign", "-inkey", self.at(f"{kind}.pem"), "-in",
                       self.at("answered"), *more)


def der(kind, signature):
    """ECDSA signatures as openssl wants them, whichever form they are in."""
    half = {"p256": 32, "p384": 48}.get(kind, 0)
    if half == 0 or len(signature) != 2 * half:
        return signature
    from cryptography.hazmat.primitives.asymmetric import utils
    return utils.encode_dss_signature(int.from_bytes(signature[:half], "big"),
                                      int.from_bytes(signature[half:], "big"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("images"))


def sign(key, *more):
    return ["image", "sign", "--format", "raw", "--key", key, *more]


# --- keys -------------------------------------------------------------------------

@pytest.mark.parametrize("kind", [k for k in KINDS if k != "ed25519"])
def test_a_key_in_a_file_signs_what_openssl_verifies(bench, kind):
    bench.ok(*sign(f"{kind}.pem", "-o", "file.sig", "app.bin"))
    assert bench.judge(kind, f"{kind}.pub", bench.read("file.sig"), bench.read("app.bin"))
    assert not bench.judge(kind, f"{kind}.pub", bench.read("file.sig"), b"another")


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "ed25519"])
def test_a_key_in_a_token_signs_what_openssl_verifies(bench, kind):
    uri = f"pkcs11:token=images;object={kind}"
    bench.ok(*sign(uri, "--channel", "prod", "-o", "token.sig", *bench.token(), "app.bin"))
    assert bench.judge(kind, f"{kind}.token.pub", bench.read("token.sig"), bench.read("app.bin"))
    bench.ok("image", "verify", "--format", "raw", "--key", uri, "--signature", "token.sig",
             *bench.token(), "app.bin")
    bench.ok("hsm", "public", uri, "-o", f"{kind}.again.pub", *bench.token())
    assert bench.read(f"{kind}.again.pub") == bench.read(f"{kind}.token.pub")


FIT = """/dts-v1/; / { description = "board"; #address-cells = <1>;
 images { kernel { description = "kernel"; data = /incbin/("app.bin"); type = "kernel"; arch = "arm64";
   os = "linux"; compression = "none"; load = <0x80000>; entry = <0x80000>; hash-1 { algo = "sha256"; }; }; };
 configurations { default = "conf-1"; conf-1 { description = "one"; kernel = "kernel"; }; }; };
"""


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "ed25519"])
def test_a_key_in_a_token_signs_a_fit(bench, kind):
    """Configuration and image; judged with a control tree, as U-Boot has it"""
    bench.write("fit.its", FIT.encode())
    bench.write("empty.dts", b"/dts-v1/; / { };")
    for argv in ("mkimage", "-f", "fit.its", "plain.itb"), ("dtc", "-O", "dtb", "-o", "empty.dtb", "empty.dts"):
        done = run(*argv, cwd=bench.folder)
        assert done.returncode == 0, done.stderr
    uri = f"pkcs11:token=images;object={kind}"
    for padding in ("pss", "pkcs1") if kind.startswith("rsa") else ("pss",):
        for name in "fit.itb", "control.dtb":
            (bench.folder / name).unlink(missing_ok=True)
        bench.ok("image", "sign", "--format", "fit", "--key", uri, "--hint", "prod", "--sign-images",
                 "--padding", padding, "--channel", "prod", "-o", "fit.itb", *bench.token(), "plain.itb")
        bench.ok("image", "convert", "--format", "fit-control", "--key", f"{kind}.token.pub", "--hint", "prod",
                 "-o", "control.dtb", "empty.dtb")
        judge = ("image", "verify", "--format", "fit", "--control", "control.dtb")
        bench.ok(*judge, "fit.itb")
        assert bench.hallmark(*judge, "plain.itb").returncode == 4
        data = bytearray(bench.read("fit.itb"))
        data[data.index(bytes(range(200))) + 100] ^= 1
        bench.write("altered.itb", bytes(data))
        assert bench.hallmark(*judge, "altered.itb").returncode == 4


def test_a_token_is_named_exactly_or_not_used(bench):
    for uri in ("pkcs11:token=image;object=p256", "pkcs11:token=images",
                "pkcs11:token=images;object=none", "pkcs11:object=absent"):
        bench.refused(8, 4102, *sign(uri, "-o", "x.sig", *bench.token(), "app.bin"))
    said = bench.refused(2, 1001, *sign("pkcs11:token=images;object=p256?pin-value=" + PIN, "-o",
                                        "x.sig", *bench.token(), "app.bin"))
    assert PIN not in said


def test_a_pin_is_never_where_others_can_read_it(bench):
    """The PIN comes through a pipe; while the command waits for it, /proc shows all of it."""
    reader, writer = os.pipe()
    argv = [HALLMARK, *sign("pkcs11:token=images;object=p256", "-o", "pipe.sig", "--module", MODULE,
                            "--pin", f"fd:{reader}", "app.bin")]
    with subprocess.Popen(argv, cwd=bench.folder, env=bench.env, pass_fds=[reader],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        line = pathlib.Path(f"/proc/{child.pid}/cmdline").read_bytes()
        os.write(writer, PIN.encode())
        os.close(writer)
        os.close(reader)
        out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert PIN.encode() not in line + out + err + " ".join(bench.env.values()).encode()
    bench.refused(2, 1001, *sign("pkcs11:token=images;object=p256", "-o", "x.sig", "--module",
                                 MODULE, "--pin", PIN, "app.bin"))


def test_a_wrong_pin_is_said_to_be_wrong(bench):
    bench.write("wrong", b"0000", 0o600)
    bench.refused(8, 4105, *sign("pkcs11:token=images;object=p256", "-o", "x.sig", "--module",
                                 MODULE, "--pin", "file:wrong", "app.bin"))


def test_an_encrypted_file_wants_its_passphrase(bench):
    openssl("pkey", "-in", bench.at("p256.pem"), "-aes256", "-passout", "pass:correct horse",
            "-out", bench.at("locked.pem"))
    bench.ok(*sign("locked.pem", "--passphrase", "file:word", "-o", "locked.sig", "app.bin"))
    assert bench.judge("p256", "p256.pub", bench.read("locked.sig"), bench.read("app.bin"))
    done = bench.hallmark(*sign("locked.pem", "-o", "x.sig", "app.bin"))
    assert done.returncode != 0 and not (bench.folder / "x.sig").exists()
    done = bench.hallmark(*sign("locked.pem", "--passphrase", "file:pin", "-o", "x.sig", "app.bin"))
    assert done.returncode != 0 and not (bench.folder / "x.sig").exists()


@pytest.mark.parametrize("words", [
    "rsa -traditional -aes256", "rsa -traditional -aes192", "ec -aes128", "ec -des3", "pkcs8 -topk8 -scrypt",
    "pkcs8 -topk8 -v1 PBE-SHA1-3DES", "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA512"])
def test_every_form_of_an_encrypted_file_opens(bench, words):
    name = "rsa2048" if words.startswith("rsa") else "p256"
    openssl(*words.split(), "-in", bench.at(f"{name}.pem"), "-passout", "pass:correct horse",
            "-out", bench.at("form.pem"))
    assert b"ENCRYPTED" in bench.read("form.pem")
    bench.ok(*sign("form.pem", "--passphrase", "file:word", "-o", "form.sig", "app.bin"))
    assert bench.judge(name, f"{name}.pub", bench.read("form.sig"), bench.read("app.bin"))


def test_a_file_does_not_sign_for_production(bench):
    bench.refused(4, 3213, *sign("p256.pem", "--channel", "prod", "-o", "x.sig", "app.bin"))
    bench.ok(*sign("p256.pem", "--channel", "dev", "-o", "dev.sig", "app.bin"))


# The public parts of MCUboot's root-ec-p256.pem and of a key of esptool's tests
SAMPLES = {"MCUboot": """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKstAPOj+7VukSZWhqR2u6Nu+GTfN
FPsvJFc35ZU5iNmUudZa69fN1TCK1v5IskpqgQ7l8H2LaDTMOmr8U476wQ==
-----END PUBLIC KEY-----
""", "esptool": """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENM762z/ushk+c0XOIYpi8wLSWuF5
COnU0VAQnt3spTSX6l3bpwfuppsemDdwy+aKbdgeyMYDxFbROLOPTRbYJw==
-----END PUBLIC KEY-----
"""}


@pytest.mark.parametrize("origin", SAMPLES)
def test_a_key_that_everybody_has_does_not_sign_for_production(bench, origin):
    bench.write("sample.pub", SAMPLES[origin].encode())
    words = ["image", "request", "--format", "raw", "--key", "sample.pub", "-o", "x.request", "app.bin"]
    done = bench.refused(4, 3213, *words, "--channel", "prod")
    assert f"a sample key of {origin}" in done
    bench.ok(*words, "--channel", "dev")
    bench.ok(*sign("p256.pem", "-o", "app.sig", "app.bin"))
    done = bench.hallmark("image", "verify", "--json", "--format", "raw", "--key", "p256.pub", "--key", "sample.pub",
                          "--signature", "app.sig", "app.bin")
    notes = json.loads(done.stdout)["notes"]
    assert done.returncode == 0 and f"trusted key 2 is a sample of {origin}" in notes[0]["text"], done


def test_a_public_key_does_not_sign(bench):
    bench.refused(16, 3216, *sign("p256.pub", "-o", "x.sig", "app.bin"))


def test_a_weak_key_is_no_key(bench):
    openssl("genrsa", "-out", bench.at("weak.pem"), "1024")
    bench.refused(4, 3212, *sign("weak.pem", "-o", "x.sig", "app.bin"))


# --- request and response -----------------------------------------------------------

def request(bench, kind, *more):
    bench.ok("image", "request", "--format", "raw", "--key", f"{kind}.pub", "--channel", "prod",
             "-o", f"{kind}.request", *more, "app.bin")
    return json.loads(bench.read(f"{kind}.request"))


def assemble(kind, response, to, *more):
    return ["image", "assemble", "--format", "raw", "--key", f"{kind}.pub", "--channel", "prod",
            "--request", f"{kind}.request", "--response", response, "-o", to, *more]


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "ed25519"])
def test_openssl_answers_a_request(bench, kind):
    asked = request(bench, kind)
    spki = openssl("pkey", "-pubin", "-in", bench.at(f"{kind}.pub"), "-outform", "DER")
    item, = asked["items"]
    assert asked["schema"] == "hallmark.image.request/1" and asked["format"] == "raw"
    assert base64.b64decode(item["public_key"]) == spki
    answer = bench.answer(kind, asked)
    forms = {"binary": answer, "base64": base64.encodebytes(answer),
             "line": base64.b64encode(answer)}
    for name, form in forms.items():
        bench.write("response", form)
        bench.ok(*assemble(kind, "response", f"{name}.sig", "app.bin"))
        assert bench.judge(kind, f"{kind}.pub", bench.read(f"{name}.sig"), bench.read("app.bin"))


def test_what_is_to_be_signed_can_be_had_as_it_is(bench):
    asked = request(bench, "p384", "--to-sign", "digest")
    assert bench.read("digest").hex() == asked["items"][0]["digest"]


def test_a_response_to_something_else_is_refused(bench):
    asked = request(bench, "p256")
    good = bench.answer("p256", asked)
    bench.write("good", good)
    for name, wrong in {"altered": good[:-1] + bytes([good[-1] ^ 1]), "short": good[:-1],
                        "other": bench.answer("p384", asked), "text": b"no signature"}.items():
        bench.write(name, wrong)
        done = bench.hallmark(*assemble("p256", name, "x.sig", "app.bin"))
        assert done.returncode == 4 and not (bench.folder / "x.sig").exists(), name
    bench.write("other.bin", bench.read("app.bin") + b"!")
    bench.refused(4, 3217, *assemble("p256", "good", "x.sig", "other.bin"))
    bench.write("p384.request", bench.read("p256.request"))
    bench.refused(4, 3217, *assemble("p384", "good", "x.sig", "app.bin"))


def test_an_altered_request_is_refused(bench):
    asked = request(bench, "p256")
    bench.write("good", bench.answer("p256", asked))
    text = bench.read("p256.request").decode()
    changes = [(asked["items"][0]["digest"], "00" * 32), ('"sha256",', '"sha384",'),
               ('"ecdsa"', '"rsa-pss"'), (asked["input"]["sha256"], "11" * 32),
               ('"format": "raw"', '"format": "fit"'), ("request/1", "request/2"),
               (asked["items"][0]["public_key"], "AAAA")]
    for old, new in changes:
        assert old in text
        bench.write("p256.request", text.replace(old, new).encode())
        done = bench.hallmark(*assemble("p256", "good", "x.sig", "app.bin"))
        assert done.returncode in (2, 3, 4), (old, done.stderr)
        assert not (bench.folder / "x.sig").exists(), old
    bench.write("p256.request", text.encode())
    bench.ok(*assemble("p256", "good", "y.sig", "app.bin"))


def test_a_request_wants_somebody_elsewhere(bench):
    bench.refused(2, 1001, "image", "request", "--format", "raw", "--key", "p256.pem", "-o",
                  "x.request", "app.bin")


# --- every format that is signed, each way ------------------------------------------

VECTORS = KEYS.parent
CERT_ROW = "ESP_SECURE_CERT_DEV_CERT_TLV,0,cert.pem,file,,,,,\n"
CERT_HEAD = "tlv_type,tlv_subtype,data_value,data_type,priv_key_type,algorithm,key_size,efuse_id,efuse_key\n"
# format, kind of key, file, options of sign and of verify
SIGNED = [
    ("mcuboot", "p384", "app.bin", ["--image-version", "1.2.3", "--header-size", "0x200", "--pad-header"], []),
    ("mcuboot", "rsa2048", "app.bin", ["--image-version", "1.2.3", "--header-size", "0x200", "--pad-header"], []),
    ("esp-secure-boot-v2", "rsa3072", "esp-secure-boot-v2/payloads/c3-small.bin", [], []),
    ("esp-secure-boot-v2", "p384", "esp-secure-boot-v2/payloads/p4-small.bin", [], []),
    ("esp-secure-boot-v1", "p256", "esp-secure-boot-v1/payloads/boot.bin", [], []),
    ("esp-secure-cert", "p256", "certs.bin", [], []),
    ("esp-secure-cert", "rsa3072", "certs.bin", [], []),
    ("fit", "rsa4096", "plain.itb", ["--hint", "prod"], []),
    ("raw", "p256", "app.bin", [], ["--signature", "out"]),
    ("cms", "p256", "app.bin", ["--certificate", "CERT"], ["--signature", "out"]),
    ("cms", "rsa3072", "app.bin", ["--certificate", "CERT"], ["--signature", "out"]),
]


@pytest.fixture(scope="module")
def signed(bench):
    """What is signed is there, and certificates for the keys"""
    ca = ["-CA", bench.at("ca.pem"), "-CAkey", bench.at("p256.pem"), "-days", "30"]
    openssl("req", "-x509", "-new", "-key", bench.at("p256.pem"), "-subj", "/CN=ca", "-out", bench.at("ca.pem"))
    for kind in "p256", "rsa3072":
        for name in f"{kind}.pub", f"{kind}.token.pub":
            openssl("x509", "-new", "-force_pubkey", bench.at(name), "-subj", "/CN=signer", *ca, "-out",
                    bench.at(name + ".crt"))
    bench.write("cert.pem", bench.read("ca.pem"))
    bench.write("certs.csv", (CERT_HEAD + CERT_ROW).encode())
    bench.ok("image", "convert", "--format", "esp-secure-cert", "-o", "certs.bin", "certs.csv")
    bench.write("fit.its", FIT.encode())
    assert run("mkimage", "-f", "fit.its", "plain.itb", cwd=bench.folder).returncode == 0
    return bench


def words(bench, row, public):
    name, kind, file, how, judge = row
    file = file if "/" not in file else str(VECTORS / file)
    how = [public + ".crt" if word == "CERT" else word for word in how]
    target = [] if judge else ["out"]
    return ["--format", name, *how], file, ["image", "verify", "--format", name, "--key", public, *judge,
                                            *(target or [file])]


@pytest.mark.parametrize("row", SIGNED, ids=lambda row: f"{row[0]}-{row[1]}")
def test_each_format_is_signed_by_a_token(signed, row):
    options, file, verify = words(signed, row, f"{row[1]}.token.pub")
    (signed.folder / "out").unlink(missing_ok=True)
    signed.ok("image", "sign", *options, "--key", f"pkcs11:token=images;object={row[1]}", "--channel", "prod",
              *signed.token(), "-o", "out", file)
    signed.ok(*verify)
    assert signed.hallmark(*[row[1] + ".pub" if word == f"{row[1]}.token.pub" else word for word in verify]
                           ).returncode == 4


@pytest.mark.parametrize("row", SIGNED, ids=lambda row: f"{row[0]}-{row[1]}")
def test_each_format_is_signed_beyond_an_air_gap(signed, row):
    """At another time: the request has its own. The same answer twice, once through pipes: the same bytes"""
    kind = row[1]
    options, file, verify = words(signed, row, f"{kind}.pub")
    for old in "out", "gap.request":
        (signed.folder / old).unlink(missing_ok=True)
    options += ["--key", f"{kind}.pub", "--channel", "prod"]
    signed.env["SOURCE_DATE_EPOCH"] = "1700000000"
    said = signed.ok("image", "request", *options, "--json", "-o", "gap.request", file).stdout
    assert json.loads(said) == {"schema": "hallmark.image.result/1", "verb": "request", "format": row[0],
                                "output": "gap.request"}
    del signed.env["SOURCE_DATE_EPOCH"]
    asked = json.loads(signed.read("gap.request"))
    answer = signed.answer(kind, asked)
    signed.write("gap.response", answer)
    signed.write("gap.bad", answer[:20] + bytes([answer[20] ^ 1]) + answer[21:])
    answered = ["image", "assemble", *options, "--request", "gap.request", "--response"]
    signed.refused(4, 4304, *answered, "gap.bad", "-o", "out", file)
    signed.ok(*answered, "gap.response", "-o", "out", file)
    signed.ok(*verify)
    data = pathlib.Path(signed.at(file)).read_bytes()
    piped = signed.ok(*answered, "gap.response", "-o", "-", "-", input=data).stdout
    assert piped == signed.read("out")


# --- files and options --------------------------------------------------------------

def test_streams_take_the_place_of_files(bench):
    done = bench.ok(*sign("rsa3072.pem", "-o", "-", "-"), input=bench.read("app.bin"))
    assert bench.judge("rsa3072", "rsa3072.pub", done.stdout, bench.read("app.bin"))
    bench.write("stream.sig", done.stdout)
    bench.ok("image", "verify", "--format", "raw", "--key", "rsa3072.pub", "--signature",
             "stream.sig", "-", input=bench.read("app.bin"))
    bench.refused(2, 1001, *sign("p256.pem", "-o", "-", "--json", "app.bin"))


def test_a_file_that_is_there_stays_until_the_new_one_is_good(bench):
    bench.write("kept.sig", b"old")
    bench.refused(16, 3216, *sign("p256.pub", "-o", "kept.sig", "app.bin"))
    bench.refused(10, 3209, *sign("p256.pem", "-o", "kept.sig", "/dev/null"))
    assert bench.read("kept.sig") == b"old"
    bench.ok(*sign("p256.pem", "-o", "kept.sig", "app.bin"))
    assert bench.judge("p256", "p256.pub", bench.read("kept.sig"), bench.read("app.bin"))


def test_verdicts_have_their_exit_status(bench):
    bench.ok(*sign("p256.pem", "-o", "v.sig", "app.bin"))
    verify = ["image", "verify", "--format", "raw", "--signature", "v.sig", "--json"]
    done = bench.ok(*verify, "--key", "p256.pub", "app.bin")
    assert json.loads(done.stdout)["verdict"] == "accept"
    done = bench.hallmark(*verify, "--key", "p384.pub", "app.bin")
    assert done.returncode == 4
    said = json.loads(done.stdout)
    assert said["verdict"] == "reject" and said["faults"]
    assert bench.hallmark(*verify, "app.bin").returncode == 2
    assert bench.hallmark(*verify, "--key", "p256.pub", "absent").returncode not in (0, 4)


def test_an_option_of_another_format_is_not_ignored(bench):
    said = bench.refused(2, 1001, *sign("p256.pem", "--append", "-o", "x.sig", "app.bin"))
    assert "--append" in said and "raw" in said
    bench.refused(2, 1001, "image", "sign", "--format", "rw", "--key", "p256.pem", "-o", "x.sig",
                  "app.bin")


@pytest.mark.parametrize("verb", "sign verify encrypt decrypt inspect request assemble resign "
                         "convert".split())
def test_no_option_stands_twice(bench, verb):
    text = bench.ok("image", verb, "--help").stdout.decode()
    names = re.findall(r"^  (?:-\w, )?--([a-z0-9-]+)", text, re.M)
    assert names and len(names) == len(set(names)), sorted(names)


def test_help_beside_a_format_is_about_that_format(bench):
    def names(*argv):
        text = bench.ok("image", *argv, "--help").stdout.decode()
        return set(re.findall(r"^  (?:-\w, |    )--([a-z0-9-]+)", text, re.M))
    every = names("sign")
    mcuboot, fit = names("sign", "--format", "mcuboot"), names("sign", "--format=fit")
    assert "slot-size" in mcuboot - fit and "hint" in fit - mcuboot and {"key", "output"} <= fit & mcuboot
    assert mcuboot | fit < every and names("sign", "--format", "nothing") == every
    assert names("assemble", "--format", "fit") == fit | {"request", "response"}


# Verbs that are there for some formats only; request and assemble are as sign.
FORMATS = """esp-secure-boot-v2 esp-secure-boot-v1 esp-app-image esp-partition-table esp-flash-encryption mcuboot
esp-secure-cert esp-nvs esp-efuse esp-encrypted-img fit fit-control uboot-env bundle raw cms""".split()


@pytest.mark.parametrize("verb", "sign encrypt decrypt inspect resign convert".split())
def test_help_names_the_formats_that_a_verb_is_for(bench, verb):
    """And so does the refusal of another one"""
    text = bench.ok("image", verb, "--help").stdout.decode()
    listed = re.search(r"--format NAME {2,}((?:[a-z0-9-]+[,;]?\s+)+)", text)[1].replace(";", ",").replace(",", " ").split()
    output = [] if verb == "inspect" else ["-o", "none"]
    can, others = set(), []
    for name in FORMATS:
        said = bench.hallmark("image", verb, "--format", name, *output, "app.bin").stderr.decode()
        if f"there is no image {verb} for {name}" in said:
            others.append(said)
        else:
            can.add(name)
    assert can == set(listed) & set(FORMATS) and others
    for said in others:
        assert set(re.search(rf"image {verb} is for (.*)", said)[1].split(", ")) == can


def ranges_without_a_part(parts, size):
    at, missing = 0, []
    for start, end in sorted((p["offset"], p["offset"] + p["size"]) for p in parts):
        assert end <= size
        if start > at:
            missing.append((at, start))
        at = max(at, end)
    return missing + ([(at, size)] if at < size else [])


def test_json_lists_every_byte_range():
    """Of each good vector of each format that can be looked at"""
    judged = {}
    for manifest in sorted(KEYS.parent.glob("*/manifest.json")):
        name = manifest.parent.name
        for row in json.loads(manifest.read_text())["vectors"]:
            if row.get("expect") != "accept" or name == "esp-efuse" or row["file"].endswith(".hex"):
                continue
            file = manifest.parent / row["file"]
            done = run(HALLMARK, "image", "inspect", "--format", name, "--json", str(file))
            parts = json.loads(done.stdout)["parts"]
            assert not ranges_without_a_part(parts, file.stat().st_size), row["id"]
            judged[name] = judged.get(name, 0) + 1
    assert len(judged) == 10 and sum(judged.values()) > 130, judged


@pytest.mark.parametrize("verb", "sign verify encrypt decrypt inspect request assemble resign "
                         "convert".split())
def test_examples_of_the_help_are_no_mistakes_of_usage(bench, tmp_path, verb):
    text = bench.ok("image", verb, "--help").stdout.decode().partition("examples:\n")[2]
    lines = text.strip().splitlines()
    assert lines
    for line in lines:
        words = shlex.split(line)
        assert words[:3] == ["hallmark", "image", verb]
        if "--module" in words:
            continue
        done = subprocess.run([HALLMARK, *words[1:]], capture_output=True, cwd=tmp_path, check=False)
        assert done.returncode == 3 and b"HM-9008" in done.stderr, done.stderr


def test_no_bar_in_a_pipe(bench):
    bench.write("long.bin", bytes(24 << 20))
    done = bench.ok(*sign("p256.pem", "-o", "long.sig", "long.bin"))
    assert b"\r" not in done.stderr and b"\x1b" not in done.stderr


def on_a_terminal(bench, *argv):
    """What a command writes to a terminal, and its status."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(bench.folder)
        os.execvpe(HALLMARK, ["hallmark", *argv], dict(bench.env, TERM="xterm"))
    seen = b""
    try:
        while part := os.read(fd, 4096):
            seen += part
    except OSError:  # Linux says so at the end
        pass
    os.close(fd)
    return seen.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_bar_on_a_terminal_and_nothing_left_of_it(bench):
    bench.write("long.bin", bytes(24 << 20))
    seen, status = on_a_terminal(bench, *sign("p256.pem", "-o", "long.sig", "long.bin"))
    assert status == 0
    drawn = [int(n) for n in re.findall(r"\rsign +\[[# ]{40}\] +(\d+) %", seen)]
    assert drawn and drawn == sorted(drawn) and drawn[-1] < 100
    assert seen.rpartition("%")[2].lstrip("\r ").startswith("hallmark: sign raw")
    # other verbs have one, too
    bundle = ["image", "encrypt", "--format", "bundle", "--encrypt-key", "p256.pub", "-o", "long.hmb", "long.bin"]
    opened = ["--format", "bundle", "--decrypt-key", "p256.pem"]
    for argv in (bundle, ["image", "verify", *opened, "long.hmb"],
                 ["image", "decrypt", *opened, "-o", "long.tar", "long.hmb"],
                 ["image", "request", "--format", "raw", "--key", "p256.pub", "-o", "long.request", "long.bin"]):
        seen, status = on_a_terminal(bench, *argv)
        assert status == 0 and re.search(rf"\r{argv[1]} +\[[# ]{{40}}\] +\d+ %", seen), argv
    for more in (["--progress", "none"], ["--quiet"], ["--progress", "line"]):
        seen, status = on_a_terminal(bench, *sign("p256.pem", "-o", "long.sig", *more, "long.bin"))
        assert status == 0 and "[" not in seen, more
    seen, status = on_a_terminal(bench, *sign("p256.pem", "-o", "short.sig", "app.bin"))
    assert status == 0 and "[" not in seen
