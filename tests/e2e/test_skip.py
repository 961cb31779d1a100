# SPDX-License-Identifier: Apache-2.0
"""A sample of tests/prove/skip: instructions of the boot loader that are not executed"""
import os, random

import pytest

import skips

BUILD = os.environ["BUILD"]
HOME = os.environ.get("HALLMARK_HOME", os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
SEED = int(os.environ.get("SKIP_SEED", "1"))
# The longest of them verify signatures.
POINTS = {
    "an385": {"counter": 100, "manufacturing": 60, "tlv": 40, "key": 30, "key-hash": 30,
              "counter-tlv": 40, "signature": 6, "sprayed": 4, "payload": 2},
    "an505": {"counter": 60, "sprayed-key": 20, "signature-r": 4},
}


@pytest.fixture(scope="module", params=POINTS)
def bench(request, tmp_path_factory):
    folder, board = str(tmp_path_factory.mktemp("skip")), request.param
    cases = {case.name: case for case in skips.make_cases(BUILD, folder, board)}
    return skips.Program(f"{BUILD}/device/firmware/{board}-boot.elf", board), cases


@pytest.fixture
def run(bench, tmp_path):
    """For one case: (what is executed, the function that runs a point)."""
    targets = []

    def start(name):
        program, cases = bench
        while targets:
            targets.pop().close()
        case = cases[name]
        result, covered = skips.covered(program, str(tmp_path), case.flash, case.entry,
                                         case.fine)
        target = skips.Target(program, str(tmp_path))
        target.fine = case.fine
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
    found = {point(at) for name in ("hm_boot_run", "hm_image_verify") for at in
             [at for at in covered if program.owner[at] == name][::9]}
    assert {skips.BYPASS, skips.SAFE} <= found


def test_a_hasty_verdict_is_found_out(bench, tmp_path):
    """tests/sim/hasty_verify.c: one branch makes a yes of it, and one skip starts a bad image."""
    program, cases = bench
    hasty = skips.Program(program.elf.replace("-boot.elf", "-boot-hasty.elf"), program.board)
    case, found = cases["counter"], {}
    result, covered = skips.covered(hasty, str(tmp_path), case.flash, case.entry)
    assert result == skips.SAFE
    target = skips.Target(hasty, str(tmp_path))
    try:
        target.calibrate(case.flash, case.entry)
        for at in covered:
            if hasty.owner[at] == "__wrap_hm_image_verify":
                found[hex(at)] = target.point(case.flash, case.entry, at)
    finally:
        target.close()
    assert skips.BYPASS in found.values() and skips.SAFE in found.values(), found


def test_the_guard_holds(bench, tmp_path):
    """Before an image is chosen nothing in flash or RAM is executed, the code and the vectors are not
    written, and nothing else is there: each ends as a fault, whatever the image."""
    program, cases = bench
    good, (ram, flash, _) = cases["good"], skips.BOARDS[program.board]
    vectors, copy = program.symbol("vectors"), program.entry["memcpy"]
    target = skips.Target(program, str(tmp_path))
    target.ends = [program.entry["mps2_exit"]]
    try:
        for at, to in ((good.entry, ram), (ram + 0x100, ram), (copy, vectors), (copy, vectors + 0x2000),
                       (copy, 0x90000000), (copy, ram)):
            target.start()
            target.reset(good.flash)
            assert target.reach(program.entry["hm_boot_run"], 1)
            assert target.is_guarded()
            before = target.ask(f"m{vectors:x},2040")
            for number, value in enumerate((to, flash, 16)):
                target.set_register(number, value)
            target.set_register(14, good.entry | 1)  # where it would return to
            target.set_register(skips.PC, at)
            assert target.go_on({good.entry: skips.BYPASS}) == program.entry["mps2_exit"]
            assert target.register(0) == 3  # MPS2_EXIT_FAULT
            assert target.ask(f"m{vectors:x},2040") == before
            assert not target.ran_flash()
    finally:
        target.close()


def test_no_bad_image_starts(bench, run):
    program, _ = bench
    for name, count in POINTS[program.board].items():
        result, covered, point = run(name)
        assert result == skips.SAFE, name
        chance = random.Random(SEED)
        decides = [at for at in covered if program.decides(at)]
        found = {at: point(at) for at in chance.sample(decides, count)}
        assert {(name, hex(at)): (program.owner[at], what) for at, what in found.items()
                if what not in (skips.SAFE, skips.HANG, None)} == {}
        assert None not in found.values()


def test_the_jump_starts_the_image_that_was_chosen_or_nothing(bench, run):
    """No other place of it either: by then its vectors are the processor's, and nothing protects."""
    program, _ = bench
    result, covered, point = run("other-slot")
    assert result == skips.SAFE
    found = {hex(at): point(at) for at in covered if program.owner[at] == "guard_leave"}
    assert len(found) >= 15 and set(found.values()) <= {skips.SAFE, skips.HANG}, found
    print(found)


@pytest.fixture(scope="module")
def stack(bench, tmp_path_factory):
    return skips.Stack(HOME, bench[0], str(tmp_path_factory.mktemp("stack")))


def test_a_start_takes_no_more_instructions_than_said(bench, stack, tmp_path):
    """docs/performance.md: from reset to the image's first instruction; first when the journal is
    blank, which costs a verification more, then as ever after."""
    program, cases = bench
    first, then = stack.instructions(cases["good"])
    print("product", first, then)
    assert 10_000_000 < then < first < 100_000_000 and then < 65_000_000
    signer = skips.Signer(BUILD, str(tmp_path), program.board)
    image = signer.drawn(random.Random(SEED), (256 << 10) - 0x200 - 512)
    assert 255 << 10 < len(image) <= 256 << 10
    first, then = stack.instructions(skips.Case("large", image, signer.keys))
    print("256 KiB", first, then)
    assert then < first and then < 130_000_000


def test_no_word_of_an_image_is_on_the_stack(bench, stack, tmp_path):
    """Neither its own nor of its hash, nor of the numbers of its signature: two images that differ
    wherever they may leave the same words there, those aside that are addresses."""
    program, _ = bench
    low, high = program.symbol("stack_low"), program.symbol("stack_top")
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    signers = [skips.Signer(BUILD, str(folder), program.board) for folder in folders]
    chance = random.Random(SEED)
    for spoil in (lambda image: image,
                  lambda image: skips.flipped(image, sum(skips.tlv(image, 0x22)) - 1)):
        cases = [skips.Case("drawn", spoil(who.drawn(chance)), who.keys)
                 for who in signers]
        one, other = [stack.words(case, low, high) for case in cases]
        assert {(program.owner[at], hex(at), hex(word)) for at, word in one ^ other} == set()
    # and it would be seen: below the stack it is
    one, other = [stack.words(case, skips.BOARDS[program.board][0], low) for case in cases]
    assert len(one ^ other) > 10000
