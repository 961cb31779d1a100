# SPDX-License-Identifier: Apache-2.0
"""A sample of tests/prove/skip: instructions of the boot loader that are not executed"""
import os, random

import pytest

import skips

BUILD = os.environ["BUILD"]
SEED = int(os.environ.get("SKIP_SEED", "1"))
# The longest of them verify signatures: 0.1 s of processor time each.
POINTS = {"counter": 80, "manufacturing": 80, "key": 40, "key-hash": 40, "counter-tlv": 40,
          "signature": 50, "payload": 20, "hash": 20, "header": 10}


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
             [at for at in covered if program.owner[at] == "hm_boot_run"][::4]}
    assert {skips.BYPASS, skips.SAFE} <= found


@pytest.mark.parametrize("name", POINTS)
def test_no_bad_image_starts(bench, run, name):
    program, _ = bench
    result, covered, point = run(name)
    assert result == skips.SAFE
    chance = random.Random(SEED)
    decides = [at for at in covered if not program.owner[at].startswith("br_")]
    found = {at: point(at) for at in chance.sample(decides, POINTS[name])}
    assert {hex(at): (program.owner[at], what) for at, what in found.items()
            if what not in (skips.SAFE, skips.HANG, None)} == {}
    assert None not in found.values()
