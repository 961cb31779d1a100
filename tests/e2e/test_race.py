# SPDX-License-Identifier: Apache-2.0
"""The last units of an order, sixteen stations, a server that is killed (race.py)

`tools/prove race` plays 200 rounds.
"""
import os

import race


def test_the_last_unit_goes_to_one_station_only():
    counted = race.run(rounds=12, seed=int(os.environ.get("RACE_SEED", "20311")))
    print(counted)
    assert counted["rounds"] == 12 and sum(counted["kills"].values()) >= 6
    assert counted["disturbed"] >= 3
