# SPDX-License-Identifier: Apache-2.0
"""A boot loader whose watchdog bites before a whole image can have been verified"""
import pathlib

import pytest

from cortexm import BOARDS, FIRMWARE, LIFE, Bench, emulate

PAYLOAD = 310 << 10


@pytest.mark.parametrize("board", BOARDS)
def test_a_long_verification_is_fed(board):
    bench = Bench(board, 1, 1)
    try:
        small = pathlib.Path(f"{FIRMWARE}/{board}-product-1b.bin").read_bytes()
        big = pathlib.Path(bench.factory.path("big.bin"))
        big.write_bytes(small + bytes(PAYLOAD - len(small)))
        bench.sign("big", "2.0.0", payload=big)
        machine, _ = bench.fab(second="big")
        bench.machines[0].chip = machine
        bench.machines[0].flip(LIFE + 8)
        words = ["-icount", "shift=5", "-no-reboot"]
        said = emulate(board, machine, f"{FIRMWARE}/{board}-boot-watchdog.elf", *words)
        # reported before the jump: a bitten machine has ended without a word
        assert "boot_stack" in said, said
    finally:
        bench.close()
