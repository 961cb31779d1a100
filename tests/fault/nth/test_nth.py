# SPDX-License-Identifier: Apache-2.0
"""The n-th call fails, for n = 1.. until a job gets through: real programs, real files.

nth.so is preloaded and lets one call of the program itself fail: memory, reading, writing,
syncing, opening, renaming. Whatever fails, the program ends by itself, says why with an id
of the list or does its job nevertheless, and its files are the old or the new ones, whole.
"""
import concurrent.futures, itertools, json, os, pathlib, re, shutil, socket, subprocess
import sys, tempfile, threading

import cbor2, pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "e2e"))
from counterpart import Device, cbor, framed  # noqa: E402
from line import (HALLMARK, MODULE, SERVER, STATION, VDEVICE, make_device,  # noqa: E402
                  running_factory)

NTH, STEPS = os.environ["NTH"], os.environ["STEPS"]
CALLS = "malloc", "read", "write", "fsync", "open", "rename", "recv", "send", "poll", "random"
OPTIONS = "verify_asan_link_order=0:detect_leaks=0:allocator_may_return_null=1"


@pytest.fixture(scope="module")
def factory():
    """A ledger with one device in it, whose server has stopped."""
    made = running_factory()
    try:
        order = made.order("soft", "soft-1")
        make_device(made.client("BENCH"), made, order, Device(release=made.image))
        made.stop()
        yield made
    finally:
        made.close()


class Job:
    """A program to run in a folder of its own."""

    env = {}
    quiet = ()  # statuses that need no words

    def prepare(self, folder):
        pass

    def argv(self, folder):
        raise NotImplementedError

    def check(self, folder, done):
        """Are the files whole, and right if it succeeded?"""

    def run(self, folder, env):
        return subprocess.run(self.argv(folder), cwd=folder, env=env, capture_output=True,
                              timeout=60, check=False)

    def once(self, call=None, n=0, once=True):
        """(did a call fail, the finished process)"""
        folder = tempfile.mkdtemp(prefix="hm-nth-")
        try:
            report = folder + "/fired"
            self.prepare(folder)
            env = dict(os.environ, **self.env)
            if call:
                env.update(LD_PRELOAD=NTH, ASAN_OPTIONS=OPTIONS, FAULT_CALL=call,
                           FAULT_NTH=str(n), FAULT_ONCE="1" if once else "0",
                           FAULT_REPORT=report)
            done = self.run(folder, env)
            fired = os.path.exists(report)
            self.judge(folder, done, fired, f"{call} {n} once={once}")
            return fired, done
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def judge(self, folder, done, fired, what):
        words = done.stderr.decode(errors="replace")
        told = f"{what}: status {done.returncode}\n{done.stdout.decode()[-800:]}{words[-3000:]}"
        assert done.returncode >= 0, told
        for never in "AddressSanitizer", "runtime error:", "bug[", "Assertion":
            assert never not in words, told
        if done.returncode != 0 and done.returncode not in self.quiet:
            assert fired, told
            assert re.search(r"HM-\d{4}", words), told
        try:
            self.check(folder, done)
        except AssertionError as wrong:
            raise AssertionError(f"{wrong}\n{told}") from wrong

    def try_all(self, call):
        """Let every n-th call fail; how many there are, about."""
        for n in itertools.count(1):
            fired, done = self.once(call, n)
            if not fired:
                assert done.returncode == 0 or done.returncode in self.quiet
                return n - 1
            if n in (1, 3, 9, 27):
                self.once(call, n, once=False)
        raise AssertionError("unreachable")


class TokenJob(Job):
    """With tokens of its own: SoftHSM empties and rewrites a token's file at each login, so
    another program that looks at that moment sees no such token."""

    def __init__(self, factory):
        self.factory, self.env = factory, factory.env

    def prepare(self, folder):
        shutil.copytree(self.factory.path("tokens"), folder + "/tokens")
        pathlib.Path(folder, "softhsm2.conf").write_text(
            f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")

    def command(self, folder, env, *words):
        return subprocess.run([HALLMARK, *words], cwd=self.factory.dir, capture_output=True, timeout=60,
                              env=dict(env, SOFTHSM2_CONF=folder + "/softhsm2.conf"), check=False)


def exercise(job, at_least):
    """All kinds of calls, two at a time."""
    job.once()  # it works
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        seen = dict(zip(CALLS, pool.map(job.try_all, CALLS)))
    print(seen)
    for call, count in at_least.items():
        assert seen[call] >= count, seen  # else nothing was tried


# --- commands -----------------------------------------------------------------------

def test_an_audit_says_the_same_or_why_not(factory):
    class Audit(Job):
        env = factory.env
        right = None

        def argv(self, folder):
            return [HALLMARK, "audit", "verify", factory.path("state", "ledger"), "--log-key",
                    factory.path("log.vkey"), "--authority", factory.path("authority.pub")]

        def check(self, folder, done):
            if done.returncode == 0:
                self.right = self.right or done.stdout
                assert done.stdout == self.right
    exercise(Audit(), {"malloc": 10, "read": 3, "open": 3})


def test_a_signed_object_is_whole_or_not_there(factory):
    class Create(TokenJob):
        def run(self, folder, env):
            return self.command(folder, env, "product", "create", "soft.yaml", "--offline", "--output",
                                folder + "/p.cose", "--config", "hallmark.yaml")

        def check(self, folder, done):
            there = os.path.exists(folder + "/p.cose")
            assert there or done.returncode != 0
            if there:
                data = pathlib.Path(folder, "p.cose").read_bytes()
                assert cbor2.loads(data).tag == 18
                assert cbor(cbor2.loads(data)) == data
    exercise(Create(factory), {"malloc": 5, "read": 2, "write": 1, "fsync": 1, "open": 2})


def test_a_certificate_is_never_without_its_key(factory):
    class Issue(TokenJob):
        def run(self, folder, env):
            return self.command(
                folder, env, "ca", "issue", "station", "--subject", "B2", "--days", "30", "--key-out",
                folder + "/key.pem", "--out", folder + "/cert.pem", "--issuer-certificate", "line.pem",
                "--module", MODULE, "--issuer-token", SERVER, "--issuer-key", "pkcs11:object=line",
                "--issuer-pin", "file:pin")

        def check(self, folder, done):
            there = os.path.exists(folder + "/cert.pem")
            assert there or done.returncode != 0
            if there:
                made = x509.load_pem_x509_certificate(pathlib.Path(folder, "cert.pem").read_bytes())
                key = serialization.load_pem_private_key(
                    pathlib.Path(folder, "key.pem").read_bytes(), None)
                assert made.public_key().public_numbers() == key.public_key().public_numbers()
    exercise(Issue(factory), {"malloc": 10, "read": 2, "write": 2, "fsync": 2, "open": 3, "random": 1})


def test_a_configuration_is_read_or_refused(factory):
    class Check(Job):
        env = factory.env

        def argv(self, folder):
            return [STATION, "check", factory.path("station.yaml")]

        def check(self, folder, done):
            assert (b": ok" in done.stdout) == (done.returncode == 0)
    exercise(Check(), {"malloc": 5, "read": 1, "open": 1})


class ImageJob(Job):
    """An image is there whole and accepted, or not there; what a command reads stays as it was."""

    made = "made"
    verify = ()

    def __init__(self, folder):
        self.source = folder

    def prepare(self, folder):
        shutil.copytree(self.source, folder, dirs_exist_ok=True)

    def argv(self, folder):
        return [HALLMARK, "image", *self.words]

    def check(self, folder, done):
        there = os.path.exists(f"{folder}/{self.made}")
        assert there or done.returncode != 0
        for name in os.listdir(self.source):
            if name != self.made:
                assert pathlib.Path(folder, name).read_bytes() == pathlib.Path(self.source, name).read_bytes()
        if there:
            judged = subprocess.run([HALLMARK, "image", *self.verify], cwd=folder, capture_output=True, check=False)
            assert judged.returncode == 0, judged.stderr
        # a name of ours may be left of what was not finished, none of another's
        extra = set(os.listdir(folder)) - set(os.listdir(self.source)) - {self.made, "fired"}
        assert all(re.fullmatch(r"\..*\.tmp-[0-9a-f]+", name) for name in extra), extra


@pytest.fixture(scope="module")
def images():
    with tempfile.TemporaryDirectory(prefix="hm-nth-") as folder:
        for name in "signer", "reader":
            subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name + ".pem"],
                           cwd=folder, check=True)
            subprocess.run(["openssl", "ec", "-in", name + ".pem", "-pubout", "-out", name + ".pub"], cwd=folder,
                           check=True, capture_output=True)
        pathlib.Path(folder, "app").write_bytes(bytes(range(256)) * 300)
        pathlib.Path(folder, "long").write_bytes(bytes(range(256)) * 5500)  # other threads read and write, too
        pathlib.Path(folder, "flash.key").write_bytes(bytes(range(32)))
        yield folder


MCUBOOT = ["--format", "mcuboot", "--key", "signer.pem", "--image-version", "1.2.3", "--header-size", "512",
           "--pad-header", "-o", "made", "app"]
JUDGE = ["verify", "--format", "mcuboot", "--key", "signer.pub", "made"]
IMAGE_JOBS = {
    "signed": (["sign", *MCUBOOT], JUDGE),
    "encrypted": (["sign", "--encrypt-key", "reader.pub", *MCUBOOT], [*JUDGE, "--decrypt-key", "reader.pem"]),
    "long": (["sign", *MCUBOOT[:-1], "long"], JUDGE),
    "hex": (["sign", "--hex-addr", "0x8000", *MCUBOOT], JUDGE),
    "bundle": (["encrypt", "--format", "bundle", "--encrypt-key", "reader.pub", "-o", "made", "app"],
               ["verify", "--format", "bundle", "--decrypt-key", "reader.pem", "made"]),
}


@pytest.mark.parametrize("name", IMAGE_JOBS)
def test_an_image_is_good_or_not_there(images, name):
    job = ImageJob(images)
    job.words, job.verify = IMAGE_JOBS[name]
    exercise(job, {"malloc": 8, "read": 3, "write": 1, "fsync": 2, "open": 3, "rename": 1})


def test_an_image_that_is_there_stays_or_is_the_new_one(images):
    class Again(ImageJob):
        """Flash encryption in place of an older file: whole, the old or the new one"""

        words = ["encrypt", "--format", "esp-flash-encryption", "--flash-key", "flash.key", "--chip", "esp32c3",
                 "--address", "0x10000", "-o", "made", "app"]

        def prepare(self, folder):
            super().prepare(folder)
            pathlib.Path(folder, "made").write_bytes(b"old")

        def check(self, folder, done):
            data = pathlib.Path(folder, "made").read_bytes()
            assert len(data) == 256 * 300 if done.returncode == 0 else data == b"old" or len(data) == 256 * 300
            if data != b"old":
                back = subprocess.run([HALLMARK, "image", "decrypt", *self.words[1:-3], "-o", "-", "made"], cwd=folder,
                                      capture_output=True, check=True).stdout
                assert back == bytes(range(256)) * 300
    exercise(Again(images), {"malloc": 8, "read": 2, "write": 1, "fsync": 2, "open": 3, "rename": 1})


# --- a device -----------------------------------------------------------------------

def test_a_chip_is_as_before_or_has_its_keys(factory):
    chip, _, _ = factory.fab("--scheme", "soft", release="soft-1")
    challenge = framed(cbor([3, cbor({0: 1, 1: "PO-1", 2: bytes(32), 3: bytes(32)})]))

    class Run(Job):
        env = factory.env
        quiet = (13,)  # removed before it was complete

        def prepare(self, folder):
            shutil.copytree(chip, folder + "/chip")

        def run(self, folder, env):
            with socket.socket(socket.AF_UNIX) as slot:
                slot.bind(folder + "/slot")
                slot.listen(1)
                talk = threading.Thread(target=self.talk, args=(slot,))
                talk.start()
                done = subprocess.run(
                    [VDEVICE, "run", "--dir", folder + "/chip", "--link",
                     "unix:" + folder + "/slot"], env=env, capture_output=True, timeout=60,
                    check=False)
                slot.shutdown(socket.SHUT_RDWR)  # if it never came
                talk.join()
                return done

        @staticmethod
        def talk(slot):
            try:
                peer, _ = slot.accept()
            except OSError:
                return
            with peer:
                heard = b""
                try:
                    peer.sendall(challenge)
                    while heard.count(b"\0") < 2:
                        more = peer.recv(4096)
                        if not more:
                            return
                        heard += more
                except OSError:
                    return  # it fell silent

        def check(self, folder, done):
            shown = subprocess.run([VDEVICE, "show", "--dir", folder + "/chip", "--json"],
                                   capture_output=True, check=False)
            assert shown.returncode == 0, shown.stderr
            assert json.loads(shown.stdout)["state"] in ("blank", "ready"), shown.stdout
    exercise(Run(), {"malloc": 1, "read": 2, "write": 2, "fsync": 1, "open": 2, "rename": 1})


# --- steps on disk ------------------------------------------------------------------

def ask(*words):
    done = subprocess.run([STEPS, *words], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_a_log_has_all_that_it_had_and_can_go_on():
    class Tiles(Job):
        def prepare(self, folder):
            subprocess.run([STEPS, "tiles", folder + "/log", "250"], check=True)

        def argv(self, folder):
            return [STEPS, "tiles", folder + "/log", "20"]

        def check(self, folder, done):
            size = ask("count", folder + "/log")
            assert size == 270 if done.returncode == 0 else 250 <= size <= 270
            subprocess.run([STEPS, "tiles", folder + "/log", "5"], check=True)
            assert ask("count", folder + "/log") == size + 5
    exercise(Tiles(), {"malloc": 5, "read": 1, "write": 2, "fsync": 2, "open": 2})


def test_a_journal_knows_the_step_before_or_after():
    class Journal(Job):
        def prepare(self, folder):
            subprocess.run([STEPS, "journal", folder, "3"], check=True)

        def argv(self, folder):
            return [STEPS, "journal", folder, "4"]

        def check(self, folder, done):
            step = ask("unit", folder)
            assert step == 4 if done.returncode == 0 else step in (3, 4)
    exercise(Journal(), {"malloc": 1, "write": 1, "fsync": 1, "open": 1, "rename": 1})
