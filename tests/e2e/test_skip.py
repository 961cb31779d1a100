# SPDX-License-Identifier: Apache-2.0
"""A sample of tests/prove/skip: instructions of the boot loader that are not executed"""
import os, random

import pytest

import skips

BUILD = os.environ["BUILD"]
SEED = int(os.environ.get("SKIP_SEED", "1"))
# The longest of them verify signatures: half a second of processor time each.
POINTS = {"counter": 100, "manufacturing": 100, "key": 60, "key-hash": 60, "counter-tlv": 60,
          "signature": 24, "payload": 8, "hash": 8, "header": 4}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("skip"))
    cases = {case.name: case for case in skips.make_cases(BUILD, folder)}
    return skips.Program(BUILD + "/device/firmware/an385-boot.elf"), cases


@pytest.fixture
def run(bench, tmp_path):
    """For one case: (what is executed, the function that runs a point)."""
    targets = []

    def start(name):
        program, cases = bench
        case = cases[name]
        result, covered = skips.covered(program, str(tmp_path), case.flash, case.entry)
        target = skips.Target(program, str(tmp_path))
        target.calibrate(case.flash, case.entry)
        targets.append(target)
        return result, covered, lambda *point: target.point(case.flash, case.entry, *point)
    yield start
    for target in targets:
        target.close()


def test_a_good_image_starts_and_a_skip_is_seen(bench, run):
    """The campaign could tell: what starts is seen to start, and skips do change what happens."""
    program, _ = bench
    result, covered, point = run("good")
    assert result == skips.BYPASS
    found = {point(at) for at in
             [at for at in covered if program.owner[at] == "hm_boot_run"][::6]}
    assert {skips.BYPASS, skips.SAFE} <= found


@pytest.mark.parametrize("name", POINTS)
def test_no_bad_image_starts(bench, run, name):
    program, _ = bench
    result, covered, point = run(name)
    assert result == skips.SAFE
    chance = random.Random(SEED)
    decides = [at for at in covered if program.decides(at)]
    found = {at: point(at) for at in chance.sample(decides, POINTS[name])}
    assert {hex(at): (program.owner[at], what) for at, what in found.items()
            if what not in (skips.SAFE, skips.HANG, None)} == {}
    assert None not in found.values()
