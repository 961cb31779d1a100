# SPDX-License-Identifier: Apache-2.0
"""Updates over the UART of a Cortex-M machine, and power that goes in them"""
import json, os, random, subprocess, time

import pytest

from cortexm import BOARDS
from field import INSTALL, INSTALLED, STATUS, Field, Sweep
from line import BUILD

FULL = BUILD + "/src/cmd/hallmark-full"
LINK = "unix:update.sock"
SEED = int(os.environ.get("CORTEXM_SEED", "385"))


@pytest.fixture(params=BOARDS)
def field(request):
    field = Field(request.param)
    yield field
    field.close()


def command(field, *words):
    return subprocess.Popen([FULL, "device", *words, "--link", LINK, "--json"], text=True,
                            cwd=field.factory.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def device(field, *words):
    process = command(field, *words)
    out, err = process.communicate(timeout=280)
    return process.returncode, json.loads(out or err)


def test_updates_one_after_the_other_and_none_back(field):
    unit = field.unit()
    unit.serve(LINK)
    for program, version in ("product-2a", 2), ("product-3b", 3):
        status, said = device(field, "update", program + ".img")
        assert status == 0, said
        assert (said["version"], said["confirmed"], said["security_counter"]) == (
            f"{version}.0.0+0", True, version)
    status, said = device(field, "update", "product-2a.img")
    assert status != 0 and said["id"] == "HM-3111", said
    unit.off()
    assert unit.on().ask(STATUS).version == 3


def test_a_self_test_that_fails_brings_the_old_one_back(field):
    unit = field.unit().on("bad-version=2")
    assert unit.ask(STATUS).version == 1
    state = unit.update(field.image("product-2a"))
    assert (state.version, state.confirmed, state.counter) == (1, True, 1)
    unit.off()
    state = unit.on().update(field.image("product-2a"))
    assert (state.version, state.confirmed, state.counter) == (2, True, 2)


def test_an_altered_image_is_refused_over_the_line(field):
    unit, image = field.unit(), bytearray(field.factory.read("product-2a.img"))
    image[0x300] ^= 1
    field.factory.write("altered.img", bytes(image))
    unit.serve(LINK)
    status, said = device(field, "update", "altered.img")
    assert status != 0 and said["id"] == "HM-3205", said
    status, said = device(field, "firmware")
    assert (status, said["version"], said["update"]) == (0, "1.0.0+0", "none")


def test_killed_at_random_and_resumed(field):
    """SIGKILL for the emulator, while the command carries on as if nothing were."""
    unit, chance = field.unit(), random.Random(SEED)
    begin = unit.settled()
    unit.serve(LINK)
    began = time.monotonic()
    assert device(field, "update", "product-2a.img")[0] == 0
    span = time.monotonic() - began  # undisturbed, on this machine
    unit.off()
    unit.put_back(begin)
    unit.kills = 0
    unit.serve(LINK)
    process = command(field, "update", "product-2a.img")
    for _ in range(6):
        time.sleep(chance.uniform(0.1, 0.5) * span)  # at any instant
        if process.poll() is not None:
            break
        unit.off()
        unit.serve(LINK)
    out, err = process.communicate(timeout=280)
    status, said = process.returncode, json.loads(out or err)
    if status != 0:  # every start of the trial was killed: it was taken back, as it has to be
        assert said["id"] == "HM-2103", said
        status, said = device(field, "update", "product-2a.img")
    assert (status, said["version"]) == (0, "2.0.0+0") and unit.kills > 0, said


# --- power at sampled operations of the flash ---------------------------------------------

def old_or_new(unit, _):
    """Whatever was cut: it starts, never older than its counter, and the update goes through."""
    state = unit.ask(STATUS)
    assert state.version in (1, 2) and state.counter <= state.version
    if state.version == 1 or not state.confirmed:
        state = unit.update(unit.bench.image("product-2a"))
    assert (state.version, state.confirmed, state.counter) == (2, True, 2)


def new_if_installed(unit, installed):
    """What was announced as installed is not lost."""
    state = unit.ask(STATUS)
    assert state.version == 2 or not installed
    old_or_new(unit, installed)


def old(unit, _):
    state = unit.ask(STATUS)
    assert (state.version, state.confirmed, state.counter) == (1, True, 1)


def sweep(field, receive, install, revert):
    """Strides of operations; the figures of each scenario."""
    unit, image = field.unit(), field.image("product-2a")

    def update(unit):
        """Not once more if it runs since the power went: the device would refuse."""
        if unit.ask(STATUS).version != 2:
            unit.update(image)

    begin, found = unit.settled(), {}
    found["receive"] = Sweep(unit, SEED, receive).run(begin, lambda u: u.send(image), old_or_new)
    unit.put_back(begin)
    unit.on().send(image)
    unit.off()
    whole = unit.keep()
    found["install"] = Sweep(unit, SEED + 1, install).run(
        whole, update, new_if_installed)
    unit.put_back(whole)
    unit.on("bad-version=2").send(image)
    assert unit.ask(INSTALL).where == INSTALLED
    unit.off()
    installed = unit.keep()
    found["revert"] = Sweep(unit, SEED + 2, revert, "bad-version=2").run(
        installed, lambda u: u.ask(STATUS), old)
    return found


def test_power_goes_at_sampled_operations(field):
    found = sweep(field, receive=600, install=6, revert=4)
    print({name: (scenario.cuts, scenario.nested) for name, scenario in found.items()})
    assert all(scenario.cuts >= 3 for scenario in found.values()), {
        name: scenario.cuts for name, scenario in found.items()}
