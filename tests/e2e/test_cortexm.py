# SPDX-License-Identifier: Apache-2.0
"""Cortex-M firmware on the line: eight machines at once, and power that goes at any instant"""
import os, pathlib, random, subprocess

import pytest

from cortexm import BOARDS, DONE, FIRMWARE, NO_IMAGE, SLOT_A, SLOT_B, Bench, killer

# What makes devices: in the one program, and not in the other.
FUNCTIONS = {"hm_agent_handle", "hm_agent_init", "step_stamp", "hm_link_decode", "hm_port_attest",
             "hm_port_key_make", "hm_hpke_open", "hm_port_lock_raise"}
LABELS = [b"hallmark-binding-v1", b"hallmark-possession-v1", b"hallmark-seal-v1"]
SEED = int(os.environ.get("CORTEXM_SEED", "385"))


@pytest.fixture(params=BOARDS)
def bench(request):
    bench = Bench(request.param, machines=8, slots=8)
    yield bench
    bench.close()


def test_eight_machines_at_once(bench):
    assert bench.make(within_s=60) == 0, bench.where()
    assert [m.starts for m in bench.machines] == [1] * 8
    bench.check_books()


def test_power_goes_at_random(bench):
    bench.make(within_s=120, step=killer(SEED, kills=24))
    assert sum(m.kills for m in bench.machines) > 0
    bench.check_books()


def test_power_goes_at_sampled_operations_of_provisioning(bench):
    """Of agent, vault and lock, clean and torn, and again of what mends them."""
    chance = random.Random(SEED)
    for turn, machine in enumerate(bench.machines):
        at = chance.randint(1 + turn * 50, 50 + turn * 50)
        machine.plan = [[f"power-cut={number}", *["torn"] * chance.randint(0, 1)]
                        for number in (at, chance.randint(1, 24))]
    bench.make(within_s=240)
    assert sum(m.cuts for m in bench.machines) >= 8, [m.cuts for m in bench.machines]
    bench.check_books()


# --- the programs apart from the line ---------------------------------------------------

def test_the_product_says_its_version_and_manufacturing_is_over(bench):
    machine = bench.machines[0]
    status, text = machine.talk(burn_locked=True)
    assert (status, text) == (DONE, b"product 1.0.0\nconfirmed\n")


def test_nothing_starts_that_was_altered(bench):
    """In the payload, in the signature, in the key: of both images, and the rest is erased."""
    for at in 0x200 + 100, -40, -150:
        machine = bench.machines.pop()
        for slot, name in (SLOT_A, "m-1.bin"), (SLOT_B, "product-1b.img"):
            machine.flip(slot + (at if at > 0 else len(bench.factory.read(name)) + at))
        assert machine.talk() == (NO_IMAGE, b"")


def test_no_manufacturing_in_the_product():
    for board in BOARDS:
        for program, has in ("manufacture", True), ("product-1b", False), ("boot", False):
            path = f"{FIRMWARE}/{board}-{program}"
            listed = subprocess.run(["arm-none-eabi-nm", path + ".elf"], capture_output=True,
                                    check=True, text=True).stdout
            functions = {line.split()[-1] for line in listed.splitlines()}
            assert functions & FUNCTIONS == (FUNCTIONS if has else set()), path
            code = pathlib.Path(path + ".bin").read_bytes()
            assert [label in code for label in LABELS] == [has] * len(LABELS), path
