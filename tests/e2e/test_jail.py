# SPDX-License-Identifier: Apache-2.0
"""The walls of the server's processes, and their turns, as the kernel sees them"""
import os, pathlib, re, signal

import pytest

from line import DEADLINE_S, Factory, make_device, soft, until

IS_ROOT = os.geteuid() == 0
ROLES = {"front", "keeper", "signer"}
USERS = {"front": 61101, "keeper": 61102, "signer": 61103}


def status(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def limit(pid, name):
    text = pathlib.Path(f"/proc/{pid}/limits").read_text()
    return re.search(rf"^{name}\s+(\S+)\s+(\S+)", text, re.M).groups()


def by_role(factory):
    found = {}
    for pid, role in factory.processes().items():
        found.setdefault(role, []).append(pid)
    return found


def test_every_process_has_given_up_its_rights(factory):
    processes = factory.processes()
    assert set(processes.values()) == ROLES
    for pid, role in processes.items():
        said = status(pid)
        assert said["NoNewPrivs"] == "1", role
        assert said["Seccomp"] == "2", role
        assert said["TracerPid"] == "0"
        assert limit(pid, "Max core file size") == ("0", "0"), role


def test_no_process_can_be_dumped_or_debugged(factory):
    """The kernel gives the files of one that is not dumpable to root, whoever runs it; and
    nobody who is not root may look inside."""
    for pid in [factory.server.pid, *factory.processes()]:
        assert os.stat(f"/proc/{pid}/mem").st_uid == 0
        assert os.stat(f"/proc/{pid}/environ").st_uid == 0
        if not IS_ROOT:
            with pytest.raises(PermissionError):
                open(f"/proc/{pid}/environ", "rb").read()


def test_every_thread_waits_for_its_turn(factory):
    """The policy of all threads of all processes, unless somebody chose another one for us."""
    ours = os.sched_getscheduler(0)
    wanted = os.SCHED_BATCH if ours == os.SCHED_OTHER else ours
    for pid in [factory.server.pid, *factory.processes()]:
        for thread in os.listdir(f"/proc/{pid}/task"):
            assert os.sched_getscheduler(int(thread)) == wanted


@pytest.mark.skipif(not IS_ROOT, reason="only root may change its root")
def test_a_front_sees_an_empty_folder(factory):
    for pid in by_role(factory)["front"]:
        root = os.readlink(f"/proc/{pid}/root")
        assert root != "/" and root.endswith(" (deleted)")
        assert os.listdir(f"/proc/{pid}/root/") == []
        assert os.readlink(f"/proc/{pid}/cwd") == root


@pytest.mark.skipif(not IS_ROOT, reason="only root may look at them")
def test_a_front_has_no_more_than_its_sockets(factory):
    """No file of the state folder, no token, no key file."""
    for pid in by_role(factory)["front"]:
        open_files = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        files = {path for path in open_files if path.startswith("/")
                 and not path.startswith("/dev/")}
        assert files <= {factory.path("hallmarkd.log")}


@pytest.mark.skipif(not IS_ROOT, reason="only root may look at them")
def test_only_the_keeper_has_the_database_open(factory):
    for pid, role in factory.processes().items():
        open_files = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        has = any(path.startswith(factory.path("state")) for path in open_files)
        assert has == (role == "keeper"), role


@pytest.mark.parametrize("role", ["front", "keeper", "signer"])
def test_one_dies_and_all_begin_anew(factory, role):
    """No process outlives another, so none works on with half of the state."""
    order = factory.order("soft", "soft-1", quota=1)
    before = factory.processes()
    os.kill(by_role(factory)[role][0], signal.SIGKILL)
    until(lambda: not set(before) & set(factory.processes())
          and sorted(factory.processes().values()) == sorted(before.values()),
          "all have been started again")
    factory.wait_ready()
    make_device(factory.client("BENCH"), factory, order, soft(factory))
    assert factory.client("planner").json("/v1/order/" + order)["confirmed"] == 1
    assert all(status(pid)["Seccomp"] == "2" for pid in factory.processes())


@pytest.mark.parametrize("role", ["front", "keeper", "signer"])
def test_one_is_killed_while_it_starts(factory, role):
    """The first start of a parent too: it is no fault of the configuration."""
    factory.stop()
    factory.start_only()
    pid = until(lambda: by_role(factory).get(role), "it has been started")[0]
    os.kill(pid, signal.SIGKILL)
    until(lambda: pid not in factory.processes(), "it is gone")
    factory.wait_ready()


def test_a_token_that_a_kill_emptied_is_filled_again(factory):
    """SoftHSM empties its token file before it writes it anew, at every login."""
    factory.stop()
    emptied = [os.path.join(folder, name)
               for folder, _, names in os.walk(factory.path("tokens"))
               for name in names if name == "token.object"]
    assert emptied
    for path in emptied:
        os.truncate(path, 0)
    factory.start()
    assert all(os.path.getsize(path) > 0 for path in emptied)
    assert b"token filled again" in factory.read("hallmarkd.log")


def test_one_cannot_start(factory):
    """A fault of the configuration is told at once, and with an exit status."""
    factory.stop()
    os.rename(factory.path("factory.pem"), factory.path("away.pem"))
    try:
        factory.start_only()
        assert factory.server.wait(timeout=DEADLINE_S) not in (0, -signal.SIGKILL)
    finally:
        os.rename(factory.path("away.pem"), factory.path("factory.pem"))
        factory.start()


def test_a_stop_is_orderly(factory):
    pids = list(factory.processes())
    begin = len(factory.read("hallmarkd.log"))
    assert factory.stop() == 0
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert b'"error"' not in factory.read("hallmarkd.log")[begin:]
    factory.start()


@pytest.fixture(scope="module")
def users():
    """A factory whose server's processes have users of their own, as in production."""
    made = Factory(options="users:\n" + "".join(
        f'  {role}: "{uid}"\n' for role, uid in USERS.items()))
    os.chmod(made.dir, 0o755)
    for root, folders, names in os.walk(made.path("tokens")):
        for path in [root] + [os.path.join(root, name) for name in folders + names]:
            os.chown(path, USERS["signer"], USERS["signer"])
    yield made
    made.close()


@pytest.mark.skipif(not IS_ROOT, reason="only root may become somebody else")
def test_each_has_a_user_of_its_own(users):
    users.start()
    assert len(users.processes()) >= 3
    for pid, role in users.processes().items():
        said = status(pid)
        uid, gid = str(USERS[role]), str(USERS[role])
        assert said["Uid"].split() == [uid] * 4 and said["Gid"].split() == [gid] * 4, role
        assert said["Groups"] == "", role
        assert int(said["CapEff"], 16) == int(said["CapPrm"], 16) == 0, role
        assert os.stat(f"/proc/{pid}/mem").st_uid == 0, role  # not dumpable
    state = os.stat(users.path("state"))
    assert (state.st_uid, state.st_mode & 0o777) == (USERS["keeper"], 0o700)
    assert users.stop() == 0


@pytest.mark.skipif(not IS_ROOT, reason="only root may become somebody else")
def test_it_makes_devices_with_users_of_their_own(users):
    users.start()
    users.open_up()
    order = users.order("soft", "soft-1", quota=2)
    client = users.client("BENCH")
    make_device(client, users, order, soft(users))
    os.kill(by_role(users)["keeper"][0], signal.SIGKILL)
    users.wait_ready()
    make_device(client, users, order, soft(users))
    assert users.stop() == 0
