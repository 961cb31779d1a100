# SPDX-License-Identifier: Apache-2.0
"""A device's secrets are nowhere but in the device and in the signer

A real station makes virtual devices; then what they received is looked for in every file of
server and station and in the memory of every process but the signer, and of the signer's
secrets the shared one in every file but the token's.
"""
import itertools, os, pathlib, struct, subprocess

import pytest

from line import SECRETS, STATION, VDEVICE, running_factory, until

DEVICES = 6


@pytest.fixture(scope="module")
def line():
    factory = running_factory(slots=1)
    factory.product("thermo", "imx-mp", "enrolled", secrets_yaml=SECRETS + """  - name: "tls-key"
    kind: key
""")
    factory.release("thermo-1", "thermo", image=b"firmware of a thermometer")
    factory.made = [factory.fab() for _ in range(DEVICES)]
    factory.enrol("thermo", *[key for _, _, key in factory.made])
    factory.po = factory.order("thermo", "thermo-1", quota=DEVICES)
    with open(factory.path("station.log"), "wb") as log:
        factory.station = subprocess.Popen(
            [STATION, "-vv", "run", factory.po, "--config", "station.yaml", "--json"],
            cwd=factory.dir, env=factory.env, stdout=log, stderr=log)
    until(lambda: os.path.exists(factory.path("slot-0.sock")), "the slot is there")
    for chip, _, _ in factory.made:
        factory.run(VDEVICE, "run", "--dir", chip, "--link", "unix:slot-0.sock", "--quiet")
    yield factory
    factory.station.terminate()
    factory.station.wait(timeout=60)
    factory.close()


def canaries(factory):
    """name -> the bytes of every secret, and how else they may be written down."""
    found = {}
    for number, (chip, _, _) in enumerate(factory.made):
        for name in "disk-key", "setup-code", "fleet-key", "tls-key":
            out = factory.path("secret")
            factory.run(VDEVICE, "show", "--dir", chip, "--secret", name, "--out", out)
            value = pathlib.Path(out).read_bytes()
            os.unlink(out)
            if name == "setup-code":
                continue  # eight digits are found by chance; see below
            if name == "tls-key":
                value = value[7:39]  # the scalar of SEC1
            found[f"{name} {number}"] = value
            found[f"{name} {number} in hex"] = value.hex().encode()
    return found


def files_of(factory):
    """All but the devices themselves and the token."""
    for root, folders, names in os.walk(factory.dir):
        folders[:] = [f for f in folders if f != "tokens" and not f.startswith("chip")]
        for name in names:
            if os.path.isfile(os.path.join(root, name)):
                yield os.path.join(root, name)


def test_secrets_are_in_no_file(line):
    secrets = canaries(line)
    assert len(secrets) == 2 * 3 * DEVICES
    looked_at = []
    for path in files_of(line):
        content = pathlib.Path(path).read_bytes()
        looked_at.append(os.path.relpath(path, line.dir))
        for name, value in secrets.items():
            assert value not in content, f"{name} in {path}"
    for expected in "state/hallmark.db", "hallmarkd.log", "station.log", "state/ledger/checkpoint":
        assert expected in looked_at
    assert sum(name.startswith("journal/") for name in looked_at) >= DEVICES
    assert sum(name.startswith("records/") for name in looked_at) == 5 * DEVICES


def test_codes_are_in_no_text(line):
    """Passcodes are short, so they are looked for where nothing is random."""
    for number, (chip, _, _) in enumerate(line.made):
        line.run(VDEVICE, "show", "--dir", chip, "--secret", "setup-code", "--out", f"c{number}")
        code = line.read(f"c{number}")
        os.unlink(line.path(f"c{number}"))
        assert len(code) == 8 and code.isdigit()
        for name in "hallmarkd.log", "station.log":
            assert code not in line.read(name)


def memory_of(pid):
    """Every writable page of a process that there is, run by run."""
    page = os.sysconf("SC_PAGE_SIZE")
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            start, end = (int(part, 16) // page for part in span.split("-"))
            if "w" not in rights or end - start > 1 << 18:  # a sanitizer's shadow
                continue
            flags = struct.unpack(f"={end - start}Q",
                                  os.pread(pagemap.fileno(), 8 * (end - start), 8 * start))
            for there, run in itertools.groupby(range(end - start), lambda n: flags[n] >> 62):
                run = list(run)
                if there:  # in memory or swapped out
                    yield os.pread(memory.fileno(), len(run) * page, (start + run[0]) * page)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into memory")
def test_secrets_are_in_no_memory_but_the_signers(line):
    secrets = canaries(line)
    children = pathlib.Path(
        f"/proc/{line.station.pid}/task/{line.station.pid}/children").read_text().split()
    assert children
    processes = {line.server.pid: "parent", line.station.pid: "station",
                 **{int(pid): "slot" for pid in children}, **line.processes()}
    assert set(processes.values()) == {"parent", "front", "keeper", "signer", "station", "slot"}
    for pid, role in processes.items():
        if role == "signer":
            continue
        seen, has_device = 0, False
        for part in memory_of(pid):
            seen += len(part)
            has_device |= bytes.fromhex(line.made[-1][1]) in part
            for name, value in secrets.items():
                assert value not in part, f"{name} in the memory of {role}"
        assert seen > 1 << 20, role
        if role in ("slot", "keeper"):
            assert has_device, role  # we look in the right place


def test_the_pin_is_in_no_argument_or_environment(line):
    pin = line.read("pin")
    for pid in [line.server.pid, *line.processes()]:
        for name in "cmdline", "environ":
            try:
                assert pin not in pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
            except PermissionError:
                assert name == "environ" and os.geteuid() != 0
    for name in "hallmarkd.log", "station.log":
        assert pin not in line.read(name)
