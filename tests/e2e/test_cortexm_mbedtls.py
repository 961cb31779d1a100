# SPDX-License-Identifier: Apache-2.0
"""Cortex-M firmware over Mbed TLS: provisioned, started, refused, and agreeing with BearSSL's

Chips go from the one to the other with all that is in their flash: keys, vault, journal, what the
boot loader measured.
"""
import pytest

from cortexm import DONE, FIRMWARE, NO_IMAGE, SLOT_A, SLOT_B, Bench, Machine, emulate

CALLS = {"p256_public", "p256_sign", "p256_verify", "p256_agree", "sha256_4k", "aes256_gcm_4k",
         "image_verify"}
STARTED = (DONE, b"product 1.0.0\nconfirmed\n")


def others(*programs):
    return {name: name + "-mbedtls" for name in programs}


@pytest.mark.parametrize("board,first,second", [
    # manufactured by BearSSL, started by Mbed TLS
    ("an385", others("boot", "product-1b"), others("boot")),
    # manufactured by Mbed TLS, started by Mbed TLS and by BearSSL
    ("an505", others("boot", "manufacture", "product-1b"), others("manufacture", "product-1b"))])
def test_provisioned_started_refused_and_the_same_results(board, first, second):
    bench = Bench(board, 1, 2, first, quota=2)
    try:
        bench.others = second
        bench.machines.append(Machine(bench, *bench.fab()))
        bench.make(within_s=240)  # a slow host lets a step run out of time: then it goes in again
        bench.check_books()
        for machine in bench.machines:
            assert machine.talk() == STARTED
        check_altered(bench, first)
        check_results(bench)
    finally:
        bench.close()


def check_altered(bench, how):
    """One byte of payload, signature, key, in both images; what starts unaltered is the last."""
    bench.others = how
    for at in 0x200 + 100, -40, -150, None:
        machine = Machine(bench, *bench.fab())
        if at is None:
            assert machine.talk(burn_locked=True) == STARTED
            return
        for slot, name in (SLOT_A, "m-1.bin"), (SLOT_B, "product-1b.img"):
            machine.flip(slot + (at if at > 0 else len(bench.factory.read(name)) + at))
        assert machine.talk() == (NO_IMAGE, b""), at


def check_results(bench):
    """Keys, signatures, agreement, hash, sealing: of fixed inputs, on the bare machine."""
    chip, _ = bench.fab()
    said = [emulate(bench.board, chip, f"{FIRMWARE}/{bench.board}-bench-{by}.elf")
            for by in ("m31", "m15", "mbedtls")]
    results = [{name: number for name, number in each.items() if name.endswith("_result")}
               for each in said]
    assert set(results[0]) == {call + "_result" for call in CALLS}
    assert results[0] == results[1] == results[2]
