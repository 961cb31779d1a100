# SPDX-License-Identifier: Apache-2.0
"""A device is complete, and its station is lost before it heard so: another one finishes it

The first station, its server and the device are real. Between station and device stand we,
and keep the device's last answer back until the station is dead. Its journal stays with it.
"""
import json, os, pathlib, select, signal, socket, subprocess

import pytest

from counterpart import unframed
from line import STATION, VDEVICE, running_factory, until

OPENED, DELIVERED = 11, 13


@pytest.fixture(scope="module")
def factory():
    made = running_factory(slots=1)
    try:
        made.make_certificate("OTHER", "station")
        made.register("OTHER")
        made.write("other.yaml", made.read("station.yaml").decode().replace("BENCH", "OTHER")
                   .replace('"journal"', '"other-journal"').replace('"records"', '"other-records"')
                   .replace("slot-0", "other-0"))
        yield made
    finally:
        made.close()


class Station:
    def __init__(self, factory, order, config, slot):
        self.factory, self.slot, self.said = factory, factory.path(slot), factory.path(config + ".log")
        with open(self.said, "wb") as log:
            self.process = subprocess.Popen([STATION, "run", order, "--config", config, "--json"],
                                            cwd=factory.dir, env=factory.env, stdout=log, stderr=log)

    def connect(self):
        until(lambda: os.path.exists(self.slot), "the station has its slot")
        pipe = socket.socket(socket.AF_UNIX)
        pipe.connect(self.slot)
        return pipe

    def kill(self):
        """All of it, without a warning."""
        pid = self.process.pid
        slots = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in pid, *map(int, slots):
            os.kill(each, signal.SIGKILL)
        self.process.wait(60)
        until(lambda: not any(os.path.exists(f"/proc/{each}") for each in slots), "slots are gone")

    def ends(self):
        """What has become of each unit: [(state, error)]."""
        lines = pathlib.Path(self.said).read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{")]
        return [(event["state"], event.get("error")) for event in events
                if event.get("state") in ("pass", "fail", "hold")]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)


def hand_on(device, station, keep_back=None):
    """What they say to each other, until one is gone or the device gives the answer that is
    kept back; its answers, {kind: body}."""
    heard, answers = b"", {}
    while True:
        ready = select.select([device, station], [], [], 60)[0]
        assert ready, answers
        if station in ready:
            data = station.recv(4096)
            if not data:
                return answers
            device.sendall(data)
        if device in ready:
            data = device.recv(4096)
            *frames, heard = (heard + data).split(b"\0")
            for frame in filter(None, frames):
                kind, answers[kind] = unframed(frame)
                if kind == keep_back:
                    return answers
                station.sendall(b"\0" + frame + b"\0")
            if not data:
                return answers


def put_in(factory, chip, station, **more):
    """The device goes into the station's slot, and we in between; its answers."""
    path = factory.path("between.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(60)
        process = subprocess.Popen([VDEVICE, "run", "--dir", chip, "--link", "unix:" + path, "--quiet"],
                                   cwd=factory.dir)
        try:
            device, _ = listener.accept()
            with device, station.connect() as pipe:
                answers = hand_on(device, pipe, **more)
                if more:
                    station.kill()
        finally:
            process.kill()
            process.wait(60)
            os.unlink(path)
    return answers


def show(factory, chip):
    return json.loads(factory.run(VDEVICE, "show", "--dir", chip, "--json").stdout)


def test_another_station_finishes_it(factory):
    order = factory.order("soft", "soft-1", stations='["BENCH", "OTHER"]')
    planner = factory.client("planner")
    chip, device_id, _ = factory.fab("--scheme", "soft", release="soft-1")
    lost = Station(factory, order, "station.yaml", "slot-0.sock")
    other = Station(factory, order, "other.yaml", "other-0.sock")
    try:
        first = put_in(factory, chip, lost, keep_back=DELIVERED)
        before = show(factory, chip)
        assert before["state"] == "complete" and lost.ends() == []
        assert planner.json("/v1/device/" + device_id)["state"] == "issued"
        again = put_in(factory, chip, other)
        until(other.ends, "the other station has finished")
        assert other.ends() == [("pass", None)]
        assert again[DELIVERED] == first[DELIVERED] and again[OPENED] != first[OPENED]
        assert show(factory, chip) == before  # not made anew
        # a third time there is nothing left to do
        put_in(factory, chip, other)
        until(lambda: len(other.ends()) == 2, "the other station has an opinion")
        assert other.ends()[1] == ("fail", "HM-2202")
    finally:
        other.stop()
        lost.stop()
    counts = planner.json("/v1/order/" + order)
    assert (counts["used"], counts["confirmed"], counts["left"]) == (1, 1, 0)
    assert planner.json("/v1/device/" + device_id)["state"] == "confirmed"
    records = sorted(path.name for path in pathlib.Path(factory.path("other-records")).iterdir())
    assert any(name == before["serial"] + ".confirm.tlog-proof" for name in records), records
    assert not pathlib.Path(factory.path("records", before["serial"] + ".confirm.tlog-proof")).exists()
    assert factory.audit("--records", "other-records")["consistent"]
