# SPDX-License-Identifier: Apache-2.0
"""hallmark demo --device cortex-m: real firmware on emulated boards, and what it says without them"""
import json, os, shutil, subprocess

import pytest

from line import BUILD, LOSES

HALLMARK = BUILD + "/src/cmd/hallmark"
FULL = BUILD + "/src/cmd/hallmark-full"


def demo(*words, before=(), program=HALLMARK):
    return subprocess.run([*before, program, "demo", *words], env=dict(os.environ, **LOSES),
                          capture_output=True, text=True, timeout=280, check=False)


def test_machines_are_provisioned_locked_and_run_the_product(tmp_path):
    done = demo("--device", "cortex-m", "--board", "an505", "--devices", "2", "--slots", "2",
                "--dir", tmp_path / "demo", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert (said["passed"], said["running"], said["resumed"]) == (2, 2, 1)
    assert [(row["what"], row["error"]) for row in said["refused"]] == [
        ("clone", "HM-7102"), ("altered", "HM-3301"), ("open chip", "HM-4203"),
        ("one more", "HM-6101")]
    assert all(row["expected"] for row in said["refused"])


def test_says_what_to_do_without_firmware(tmp_path):
    alone = shutil.copy(FULL, tmp_path / "hallmark")
    done = demo("--device", "cortex-m", program=alone)
    assert done.returncode != 0 and "no firmware for the machines" in done.stderr
    assert "an385-boot.elf" in done.stderr and "tools/install firmware" in done.stderr


def test_says_what_to_do_without_the_emulator(tmp_path):
    nothing = tmp_path / "nothing"
    nothing.touch(0o644)
    inside = ["unshare", "-rm", "sh", "-c",
              f'mount --bind {nothing} /usr/bin/qemu-system-arm && exec "$@"', "sh"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no user namespaces here")
    done = demo("--device", "cortex-m", "--dir", tmp_path / "demo", before=inside)
    assert done.returncode != 0 and "no emulator of Cortex-M machines" in done.stderr
    assert "apt install qemu-system-arm" in done.stderr
    assert not (tmp_path / "demo").exists()


def test_machines_run_no_foreign_firmware():
    done = demo("--device", "cortex-m", "--firmware", "/dev/null")
    assert done.returncode == 2 and "--firmware is for virtual devices" in done.stderr
