# SPDX-License-Identifier: Apache-2.0
"""Our ledger beside published vectors and Go's golang.org/x/mod/sumdb (note, tlog).

Run: LEDGER_TOOL=build/tests/e2e/tools/ledger_tool pytest tests/e2e/test_ledger.py
"""
import base64, hashlib, json, os, pathlib, shutil, subprocess
import pytest

TOOL = os.environ.get("LEDGER_TOOL", "build/tests/e2e/tools/ledger_tool")
ROOT = pathlib.Path(__file__).resolve().parents[2]
OURS = ROOT / "tests" / "vectors" / "ledger"
SHARED = pathlib.Path(os.environ.get("SHARED_VECTORS", ROOT.parent / "shared" / "vectors")) / "ledger"
GO = ROOT / "tests" / "e2e" / "ledger_go" / "main.go"
GOPATH = pathlib.Path("/usr/share/gocode")
BAD_INPUT, LOG_PROOF = "HM-5201", "HM-8202"


class Tool:
    """Our side: a verb and values; the words of the answer, or the error's id."""

    def __init__(self, folder):
        self.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, LEDGER_DIR=str(folder)))

    def __call__(self, verb, *values):
        words = [str(v) if isinstance(v, (int, pathlib.Path)) else hexed(v) for v in values]
        self.process.stdin.write(" ".join([verb] + words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        assert answer, "no answer to " + verb
        return answer[1:] if answer[0] == "ok" else answer[0]

    def close(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


def hexed(value):
    """Texts that are hex already are bytes; str objects that are not come in as bytes."""
    return (value.hex() if isinstance(value, bytes) else value) or "-"


def text(value):
    return value.encode()


@pytest.fixture(scope="module")
def tool(tmp_path_factory):
    tool = Tool(tmp_path_factory.mktemp("log"))
    yield tool
    tool.close()


def vectors(path, prefix=""):
    if not path.exists():
        pytest.skip("no " + path.name + " here")
    found = [v for v in json.loads(path.read_text())["vectors"] if v["id"].startswith(prefix)]
    assert found
    return found


# ---- trees ----

@pytest.mark.parametrize("folder", [OURS, SHARED])
def test_roots_and_proofs_of_the_vectors(tool, folder):
    for v in vectors(folder / "trees.json"):
        if "proof" not in v:
            if "leaves" in v:
                assert tool("root-of", *v["leaves"]) == [v["root"]], v["id"]
            elif v["size"] > 0:
                assert tool("root", v["size"]) == [v["root"]], v["id"]
            continue
        if "size1" in v:
            ours = tool("prove-growth", v["size1"], v["size2"])
            said = tool("grow", v["size1"], v["size2"], v["root1"], v["root2"], *v["proof"])
        else:
            ours = tool("prove", v["leaf_index"], v["tree_size"]) if v["expect"] == "accept" else None
            said = tool("include", v["leaf_index"], v["tree_size"], v["leaf_hash"], v["root"], *v["proof"])
        if v["expect"] == "accept":
            assert ours == v["proof"] and said == [], v["id"]
        else:
            assert said == LOG_PROOF, v["id"]


def test_inclusion_proofs_of_transparency_dev(tool):
    found = vectors(SHARED / "inclusion-proofs.json")
    for v in found:
        if any(len(h) != 64 for h in v["proof"] + [v["leaf_hash"], v["root"]]):
            continue  # hashes have one length here: the type says so
        said = tool("include", v["leaf_index"], v["tree_size"], v["leaf_hash"], v["root"], *v["proof"])
        assert said == ([] if v["expect"] == "accept" else LOG_PROOF), v["id"]
    assert len(found) >= 60


def test_growth_proofs_of_transparency_dev(tool):
    found = vectors(SHARED / "consistency-proofs.json")
    for v in found:
        if any(len(h) != 64 for h in v["proof"] + [v["root1"], v["root2"]]):
            continue
        said = tool("grow", v["size1"], v["size2"], v["root1"], v["root2"], *v["proof"])
        assert said == ([] if v["expect"] == "accept" else LOG_PROOF), v["id"]
    assert len(found) >= 60


# ---- notes ----

# What is wrong with the form is told from what is wrong with a signature.
NOTE_REASONS = {
    "note-bad-known": LOG_PROOF, "note-bad-none": LOG_PROOF, "note-bad-shortsig": LOG_PROOF,
    "ckpt-bad-origin": LOG_PROOF, "note-bad-nosep": BAD_INPUT, "note-bad-crlf": BAD_INPUT,
    "note-bad-nonl": BAD_INPUT, "ckpt-bad-neg": BAD_INPUT, "ckpt-bad-root31": BAD_INPUT,
    "ckpt-bad-lines": BAD_INPUT, "ckpt-bad-big": BAD_INPUT, "ckpt-bad-emptyext": BAD_INPUT,
}


@pytest.mark.parametrize("folder", [OURS, SHARED])
def test_notes_of_the_vectors(tool, folder):
    for v in vectors(folder / "notes.json"):
        keys = [text(k) for k in v["vkeys"]]
        plain, whole = tool("note", text(v["note"]), *keys), tool("checkpoint", text(v["note"]), *keys)
        if v["expect"] == "reject":
            assert whole == NOTE_REASONS[v["id"]], v["id"]
            if v["id"].startswith("note-"):
                assert plain == NOTE_REASONS[v["id"]], v["id"]
            continue
        assert plain == [], v["id"]
        if "checkpoint" in v:
            want = v["checkpoint"]
            assert whole == [want["origin"].encode().hex(), str(want["size"]), want["root"]]


def test_cosignatures_of_the_vectors(tool):
    for v in vectors(OURS / "cosignatures.json"):
        said = tool("cosigned", text(v["checkpoint_text"]), text(v["signature_line"]), text(v["vkey"]), v.get("now", 0))
        if v["id"] == "cosig-bad-type":  # its key id is another's: passed over, and then a witness is missing
            assert said in (BAD_INPUT, LOG_PROOF)
        else:
            assert said == ([] if v["expect"] == "accept" else LOG_PROOF), v["id"]
        if "seed" in v:
            made = tool("cosign", text(v["checkpoint_text"]), v["seed"], text(v["vkey"]), v["time"])
            assert made == [v["signed_message"], v["signature_line"].encode().hex()]


# ---- receipts ----

RECEIPT_REASONS = {
    "proof-bad-quorum": LOG_PROOF, "proof-bad-index": LOG_PROOF, "proof-bad-leaf": LOG_PROOF,
    "proof-bad-log": LOG_PROOF, "proof-bad-head": BAD_INPUT, "proof-bad-neg": BAD_INPUT,
    "proof-bad-hash64": BAD_INPUT,
}


def test_receipts_of_the_vectors(tool):
    for v in vectors(OURS / "tlog-proof.json"):
        keys = [text(k) for k in [v["log_vkey"]] + v["witness_vkeys"]]
        said = tool("receipt", text(v["proof"]), text(v["leaf_data"]), v["quorum"], *keys)
        if v["expect"] == "accept":
            assert isinstance(said, list), v["id"]
        else:
            assert said == RECEIPT_REASONS[v["id"]], v["id"]


# ---- tiles ----

def test_tiles_of_the_vectors(tool, tmp_path):
    for v in vectors(OURS / "tiles.json"):
        if "path" in v:
            path = text(v["path"].lstrip("/"))
            if v["expect"] == "accept":
                level = v.get("level", 64)
                assert tool("tile-parse", path) == [str(level), str(v["index"]), str(v["width"])], v["id"]
                assert tool("tile-path", level, v["index"], v["width"]) == [path.hex()], v["id"]
            else:
                assert tool("tile-parse", path) == BAD_INPUT, v["id"]
        elif "bundle" in v:
            count = v.get("entry_count") or len(v["entries"])
            said = tool("bundle", v["bundle"], count)
            if v["expect"] == "accept":
                assert said == [e or "-" for e in v["entries"]], v["id"]
            else:
                assert said == BAD_INPUT, v["id"]
        else:
            folder = tmp_path / v["id"]
            assert tool("log", folder, v["size"], 0) == []
            check_levels(folder, v)


def check_levels(folder, v):
    """The tiles that must be there are, with their content, and no others."""
    for level in v["levels"]:
        files = [p for p in (folder / "tile" / str(level["level"])).rglob("*") if p.is_file()]
        widths = [int(p.name) for p in files if p.parent.name.endswith(".p")]
        assert len(files) - len(widths) == level["full_tiles"], v["id"]
        assert widths == ([level["partial_width"]] if level["partial_width"] else []), v["id"]
        for which in ("partial", "last_full"):
            if which + "_path" in level:
                content = (folder / level[which + "_path"].lstrip("/")).read_bytes()
                assert hashlib.sha256(content).hexdigest() == level[which + "_sha256"], (v["id"], which)
    levels = {p.name for p in (folder / "tile").iterdir()} - {"entries"}
    assert levels == {str(level["level"]) for level in v["levels"]}
    checkpoint = (folder / "checkpoint").read_text().split("\n")
    assert base64.b64decode(checkpoint[2]).hex() == v["root"]


# ---- Go ----

@pytest.fixture(scope="module")
def go(tmp_path_factory):
    if not shutil.which("go") or not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").exists():
        pytest.skip("needs golang-go and golang-golang-x-mod-dev")
    program = tmp_path_factory.mktemp("go") / "auditor"
    env = dict(os.environ, GO111MODULE="off", GOPATH=str(GOPATH), GOFLAGS="",
               GOCACHE=str(tmp_path_factory.mktemp("gocache")))
    subprocess.run(["go", "build", "-o", str(program), str(GO)], env=env, check=True)

    def run(folder, *args):
        return subprocess.run([str(program), str(folder), *map(str, args)], capture_output=True, text=True)
    return run


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 600, 70000])
def test_go_reads_our_log_and_receipt(tool, go, tmp_path, size):
    for index in {0, size // 2, size - 1}:
        assert tool("log", tmp_path / "log", size, index) == []
        said = go(tmp_path / "log")
        assert (said.returncode, said.stdout) == (0, "%d\n" % size), said.stderr


def test_go_proves_the_same_growth(tool, go, tmp_path):
    assert tool("log", tmp_path / "log", 700, 5) == []
    for old in (1, 2, 3, 255, 256, 257, 512, 699):
        root, = tool("root", old)
        said = go(tmp_path / "log", old, root)
        assert said.returncode == 0, said.stderr
        assert said.stdout.split()[:-1] == tool("prove-growth", old, 700)


@pytest.mark.parametrize("file", ["checkpoint", "tile/entries/000", "tile/0/001", "tile/1/000.p/2", "receipt"])
def test_go_refuses_what_we_refuse(tool, go, tmp_path, file):
    assert tool("log", tmp_path / "log", 700, 5) == []
    content = bytearray((tmp_path / "log" / file).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "log" / file).write_bytes(content)
    assert go(tmp_path / "log").returncode != 0
