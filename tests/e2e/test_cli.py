# SPDX-License-Identifier: Apache-2.0
"""The commands as people and scripts meet them: help, JSON, errors, pages, completion"""
import json, os, re, shutil, signal, subprocess

import pytest

from line import HALLMARK, HALLMARKD, STATION, VDEVICE, make_device, soft, until

PROGRAMS = {"hallmark": HALLMARK, "hallmark-station": STATION, "hallmarkd": HALLMARKD,
            "hallmark-vdevice": VDEVICE}
CLASSES = {"permanent", "transient", "security", "hold"}


def call(*argv, env=None, **given):
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False,
                          env=dict(os.environ, **(env or {})), **given)


def listed(text, heading):
    """The names in a list of a help page."""
    part = re.search(rf"^{heading}:\n((?:  .*\n)+)", text, re.M)
    return re.findall(r"^  ([a-z][a-z-]*)\b", part[1], re.M) if part else []


def commands(program):
    """Every word list that is a command: [], [noun], [noun, verb]."""
    found = [[]]
    for noun in listed(call(PROGRAMS[program], "--help").stdout, "nouns"):
        found.append([noun])
        if noun != "help":
            page = call(PROGRAMS[program], noun, "--help").stdout
            found += [[noun, verb] for verb in listed(page, "verbs")]
    return found


# --- help -------------------------------------------------------------------------

@pytest.mark.parametrize("program, least", [("hallmark", 40), ("hallmark-station", 8),
                                            ("hallmarkd", 1), ("hallmark-vdevice", 6)])
def test_everything_explains_itself(program, least):
    all_commands = commands(program)
    assert len(all_commands) >= least
    for words in all_commands:
        done = call(PROGRAMS[program], *words, "--help")
        assert done.returncode == 0 and done.stderr == "", words
        assert done.stdout.startswith("usage: " + " ".join([program] + words)), words
        text = done.stdout.partition("\nexamples:\n")[0]  # those are one line each
        assert max(map(len, text.splitlines())) <= 80, words
        assert "\t" not in done.stdout and not re.search(r" $", done.stdout, re.M), words


def test_versions():
    said = {call(path, "--version").stdout.split()[1] for path in PROGRAMS.values()}
    assert len(said) == 1


def test_every_error_explains_itself():
    ids = set(re.findall(r"HM-\d{4}", call(HALLMARK, "--man", "errors").stdout))
    assert len(ids) > 60
    for number in sorted(ids):
        done = call(HALLMARK, "help", number)
        assert done.returncode == 0 and done.stdout.startswith(number), number
        assert re.search(r"^do +\S", done.stdout, re.M), number
    assert "used up" in call(HALLMARK, "help", "HM-6101").stdout
    assert call(HALLMARK, "help", "HM-0001").returncode == 2


# --- mistakes ---------------------------------------------------------------------

@pytest.mark.parametrize("words, meant", [
    (["ordr", "create"], "order"), (["order", "creat", "x"], "create"),
    (["order", "create", "--confg", "x"], "--config"), (["devce", "show"], "device"),
    (["audit", "verfy", "x"], "verify"), (["order", "show", "x", "--jsn"], "--json")])
def test_a_mistyped_word_is_guessed(words, meant):
    done = call(HALLMARK, *words)
    assert done.returncode == 2 and done.stdout == ""
    assert f'did you mean "{meant}"?' in done.stderr
    assert "HM-1001" in done.stderr


@pytest.mark.parametrize("words", [
    [], ["order"], ["order", "create"], ["order", "show", "a", "b"],
    ["order", "create", "x", "--config"], ["device", "scrap", "x"], ["-x"],
    ["demo", "--devices", "0"], ["demo", "--devices", "many"], ["hsm", "generate", "u"],
    ["order", "create", "x", "--json=yes"]])
def test_a_wrong_use_ends_with_2(words):
    done = call(HALLMARK, *words)
    assert done.returncode == 2, done
    assert "HM-1001" in done.stderr or "usage:" in done.stderr
    assert done.stdout == ""


def check_error(text, number, status):
    error = json.loads(text)
    assert error["schema"] == "hallmark.error/1" and error["id"] == f"HM-{number}"
    assert error["exit"] == status and error["class"] in CLASSES
    assert error["text"] and error["do"]
    return error


def test_errors_are_json_for_those_who_want_it(factory):
    for env, flags in ({"HALLMARK_ERROR_FORMAT": "json"}, []), ({}, ["--json"]):
        done = call(HALLMARK, "ordr", *flags, env=env)
        assert done.returncode == 2 and done.stdout == ""
        check_error(done.stderr, 1001, 2)
        done = call(HALLMARK, "order", "show", "NONE", "--config", "hallmark.yaml", *flags,
                    env=env, cwd=factory.dir)
        check_error(done.stderr, 6110, done.returncode)
        done = call(HALLMARK, "order", "show", "NONE", "--config", "nowhere.yaml", *flags,
                    env=env, cwd=factory.dir)
        error = check_error(done.stderr, 9008, done.returncode)
        assert error["where"] == "nowhere.yaml"


def test_a_server_that_is_away(factory):
    port = factory.read("hallmark.yaml").decode().replace(str(factory.port), "1")
    factory.write("away.yaml", port)
    done = call(HALLMARK, "order", "show", "X", "--config", "away.yaml", "--json",
                cwd=factory.dir)
    check_error(done.stderr, 5101, done.returncode)


# --- JSON -------------------------------------------------------------------------

def test_results_are_json_with_a_schema(factory):
    order = factory.order("soft", "soft-1", quota=2)
    device = soft(factory)
    make_device(factory.client("BENCH"), factory, order, device)
    until(lambda: len(factory.ledger().of(5)) >= 1, "the confirmation is published")
    audit = "state/ledger", "--log-key", "log.vkey"
    planner = "--config", "hallmark.yaml"
    schemas = {}
    for words in (["order", "show", order, *planner],
                  ["device", "show", device.id.hex(), *planner],
                  ["device", "quarantine", *planner], ["station", "whoami", *planner],
                  ["server", "health", *planner], ["audit", "verify", *audit],
                  ["audit", "show", "state/ledger"],
                  ["server", "backup", "json-backup", "--hallmarkd", "hallmarkd.yaml"],
                  ["server", "restore", "json-backup", "--state", "json-state", "--log-key",
                   "log.vkey", "--seen", "state/ledger"],
                  ["device", "hold", device.id.hex(), "--reason", "x", *planner],
                  ["device", "release", device.id.hex(), "--reason", "x", *planner],
                  ["order", "close", order, "--reason", "x", *planner]):
        done = factory.hallmark(*words, "--json")
        lines = done.stdout.decode().splitlines()
        assert lines and done.stderr == b"", words
        for line in lines:
            document = json.loads(line)
            assert re.fullmatch(r"hallmark\.[a-z.-]+/[0-9]+", document["schema"]), words
        schemas[" ".join(words[:2])] = document["schema"]
    assert schemas["order show"] == "hallmark.order/1"
    assert schemas["device show"] == "hallmark.device/1"
    assert schemas["audit verify"] == "hallmark.audit.verify/1"


def test_the_plain_and_the_json_result_agree(factory):
    order = factory.order("soft", "soft-1", quota=7)
    document = json.loads(factory.planner("order", "show", order, "--json").stdout)
    text = factory.planner("order", "show", order).stdout.decode()
    shown = dict(re.findall(r"^(\S.*?)  +(\S.*)$", text, re.M))
    assert shown["quota"] == str(document["quota"]) == "7"
    assert "\033" not in text


# --- the station ------------------------------------------------------------------

def test_a_station_run_without_a_unit(factory):
    """It ends with 16 when it is told to stop before anything was put in."""
    order = factory.order("soft", "soft-1")
    process = subprocess.Popen(
        [STATION, "run", order, "--config", "station.yaml", "--json"], cwd=factory.dir,
        env=factory.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: os.path.exists(factory.path("slot-0.sock")), "the slots are there")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 16
    summary = json.loads(out.splitlines()[-1])
    assert summary["schema"] == "hallmark.station.summary/1"
    assert (summary["passed"], summary["failed"], summary["held"]) == (0, 0, 0)


def test_a_station_with_nothing_to_resume(factory):
    done = call(STATION, "resume", "X", "--config", "station.yaml", "--json", cwd=factory.dir)
    check_error(done.stderr, 1016, 16)
    assert done.returncode == 16


def test_a_station_makes_a_unit(factory):
    factory.product("thermo", "imx-mp", "enrolled")
    factory.release("thermo-1", "thermo", image=b"firmware of a thermometer")
    order = factory.order("thermo", "thermo-1")
    chip, device_id, key = factory.fab()
    factory.enrol("thermo", key)
    with open(factory.path("events"), "wb") as events:
        station = subprocess.Popen(
            [STATION, "run", order, "--units", "1", "--slot", "S1", "--config",
             "station.yaml", "--json"], cwd=factory.dir, env=factory.env, stdout=events)
    until(lambda: os.path.exists(factory.path("slot-1.sock")), "the slot is there")
    factory.run(VDEVICE, "run", "--dir", chip, "--link", "unix:slot-1.sock", "--quiet")
    assert station.wait(timeout=60) == 0
    lines = [json.loads(line) for line in factory.read("events").splitlines()]
    assert all(line["schema"].startswith("hallmark.station.") for line in lines)
    passed = [line for line in lines if line.get("state") == "pass"]
    assert [line["device_id"] for line in passed] == [device_id]
    assert lines[-1]["passed"] == 1
    status = json.loads(factory.run(STATION, "status", "--config", "station.yaml",
                                    "--json").stdout)
    assert device_id in {unit["device_id"] for unit in status["units"]
                         if unit["state"] == "pass"}


# --- files that people write ------------------------------------------------------

def test_templates_pass_their_own_check(tmp_path):
    page = call(HALLMARK, "config", "template", "--help").stdout
    kinds = {"server", "station", "product", "order"}
    made = {"order": call(HALLMARK, "order", "template"),
            "product": call(HALLMARK, "product", "template"),
            "server": call(HALLMARKD, "--template"),
            "station": call(STATION, "template")}
    assert set(made) == kinds and page
    for kind, done in made.items():
        assert done.returncode == 0, kind
        (tmp_path / (kind + ".yaml")).write_text(done.stdout)
        assert done.stdout.startswith("# " + kind), kind
    assert call(HALLMARKD, "--check", "--config", str(tmp_path / "server.yaml")).returncode == 0
    assert call(STATION, "check", str(tmp_path / "station.yaml")).returncode == 0


def test_a_fault_in_a_file_is_pointed_at(factory):
    text = factory.read("station.yaml").decode()
    factory.write("bad.yaml", text.replace("journal:", "jurnal:"))
    done = call(STATION, "check", "bad.yaml", cwd=factory.dir)
    assert done.returncode == 3
    line = text.splitlines().index('journal: "journal"') + 1
    assert re.search(rf"bad\.yaml:{line}:1\b", done.stderr), done.stderr
    assert "journal" in done.stderr and "^" in done.stderr


# --- pages and completion ---------------------------------------------------------

def pages():
    for program in PROGRAMS:
        yield program, []
        for noun in listed(call(PROGRAMS[program], "--help").stdout, "nouns"):
            if noun != "help":
                yield program, [noun]
    yield "hallmark", ["errors"]
    yield "hallmark", ["exit-codes"]


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_pages_are_clean():
    for program, words in pages():
        done = call(PROGRAMS[program], "--man", *words)
        assert done.returncode == 0, (program, words)
        lint = call("mandoc", "-Tlint", "-Wwarning", input=done.stdout)
        assert lint.stdout == "", (program, words)
        text = call("mandoc", "-Tutf8", input=done.stdout)
        assert text.returncode == 0 and len(text.stdout) > 400, (program, words)


@pytest.mark.parametrize("program", PROGRAMS)
def test_completion_is_bash(program, tmp_path):
    done = call(PROGRAMS[program], "--completion")
    assert done.returncode == 0 and "complete" in done.stdout
    (tmp_path / "completion").write_text(done.stdout)
    assert call("bash", "-n", str(tmp_path / "completion")).returncode == 0


def test_completion_knows_the_verbs(tmp_path):
    (tmp_path / "completion").write_text(call(HALLMARK, "--completion").stdout)
    script = f"""source {tmp_path}/completion
COMP_WORDS=(hallmark order cr) COMP_CWORD=2 COMP_LINE="hallmark order cr" COMP_POINT=17
$(complete -p hallmark | sed 's/.*-F \\([^ ]*\\).*/\\1/') hallmark cr order
printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = call("bash", "-c", script)
    assert [word.strip() for word in done.stdout.split()] == ["create"], done
