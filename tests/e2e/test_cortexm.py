# SPDX-License-Identifier: Apache-2.0
"""Cortex-M firmware on the line: eight machines at once, and power that goes at any instant"""
import os

import pytest

from cortexm import BOARDS, CUT, DONE, Bench, killer

SEED = int(os.environ.get("CORTEXM_SEED", "385"))


@pytest.fixture(params=BOARDS)
def bench(request):
    bench = Bench(request.param, machines=8, slots=8)
    yield bench
    bench.close()


def test_eight_machines_at_once(bench):
    assert bench.make(within_s=60) == 0
    assert [m.starts for m in bench.machines] == [1] * 8
    bench.check_books()


def test_power_goes_at_random(bench):
    bench.make(within_s=120, step=killer(SEED, kills=24))
    assert sum(m.kills for m in bench.machines) > 0
    bench.check_books()
