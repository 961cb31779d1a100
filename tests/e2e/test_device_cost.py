# SPDX-License-Identifier: Apache-2.0
"""What firmware for Cortex-M may take: the goals, measured"""
import re, subprocess

import pytest

import cost
from cortexm import BOARDS, FIRMWARE, Bench

KIB = 1024
ALLOCATES = re.compile(r" [TtWw] _?(malloc|calloc|realloc|free|sbrk)(_r)?$", re.M)
# Of a program that takes keys and a stamp: what an OEM's has beside its port. Of the boot loader's
# parts the verifier of signatures, on the M3.
AGENT = "agent", "vault", "crypto", "image", "libc"


@pytest.fixture(scope="module", params=BOARDS)
def made(request):
    """A machine that became a device: (board, exchanges and bytes, stacks, instructions)."""
    board = request.param
    bench = Bench(board, machines=1, slots=1)
    try:
        speed = cost.speed(bench, board, "small")
        figures, stacks = cost.provisioning(bench, board)
    finally:
        bench.close()
    return board, figures, stacks, speed


def test_the_boot_loader_is_below_12_kib_of_flash_and_6_of_ram(made):
    board, _, stacks, _ = made
    flash, ram = cost.footprint(board, "boot")["all"]
    assert flash < 12 * KIB
    assert 0 < ram + stacks["boot_stack"] < 6 * KIB


def test_the_agent_is_below_32_kib_of_flash_and_12_of_ram(made):
    """With its keys, evidence, COSE, HPKE, vault and the link's buffer."""
    board, _, stacks, _ = made
    parts = cost.footprint(board, "manufacture")
    assert 16 * KIB < sum(parts[name][0] for name in AGENT if name in parts) < 32 * KIB
    static = sum(parts[name][1] for name in AGENT if name in parts)
    assert 8 * KIB < static + stacks["manufacture_stack"] < 12 * KIB


def test_a_provisioning_is_three_exchanges_and_below_6_kib(made):
    """Three, for it locks itself and leaves (docs/decisions/0016-two-exchanges.md)."""
    _, figures, _, _ = made
    assert figures["round_trips"] == 3
    assert 1 * KIB < figures["to_device"] + figures["from_device"] < 6 * KIB


def test_the_boot_loader_verifies_256_kib_twice_in_65_million_instructions(made):
    _, _, _, speed = made
    assert 30 < speed["image_verify"][0] < 65
    assert 0 < speed["image_verify"][1] < 1 * KIB  # of stack


def test_there_is_no_heap():
    for board in BOARDS:
        for program in "boot", "manufacture", "product-1b":
            listed = subprocess.run(["arm-none-eabi-nm", f"{FIRMWARE}/{board}-{program}.elf"],
                                    capture_output=True, check=True, text=True).stdout
            assert " T hm_" in listed and not ALLOCATES.search(listed), program
