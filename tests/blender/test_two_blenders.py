# SPDX-License-Identifier: GPL-3.0-or-later
"""Two Blenders on one user folder: they share the jobs, and neither a process nor a task is had twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from once import once
from service.stand_in import StandIn

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests" / "programs" / "blender_on_demand.py"
DEADLINE_S = 40  # against a hang; nothing is measured with it


class Blender:
    """A Blender of its own that does what it is told."""

    def __init__(self, home, services):
        environment = {**os.environ, "BLENDER_USER_RESOURCES": str(home)}
        for name in ("meshy", "csm"):
            environment[f"{name.upper()}_API_KEY"] = getattr(services, f"{name}_key")
            environment[f"{name.upper()}_API_URL"] = getattr(services, f"{name}_url")
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        self.pids = set()

    def order(self, *words):
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, f"it ended with {self.process.wait(DEADLINE_S)}"
        found = json.loads(line)
        self.pids |= set(found["processes"].values())
        return found

    def do(self, *words):
        self.order(*words)
        return self.answer()

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE_S)

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(DEADLINE_S)
            finally:
                self.process.kill()
        self.process.stdout.close()


def tick_both(*blenders):
    """Let them all tick at the same time; how each is then."""
    for blender in blenders:
        blender.order("tick")
    return [blender.answer() for blender in blenders]


def tick_both_until(blenders, condition):
    until = time.monotonic() + DEADLINE_S
    while True:
        found = tick_both(*blenders)
        if condition(*found):
            return found
        assert time.monotonic() < until, f"it did not happen: {found}"
        time.sleep(0.05)


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(") ")[2].startswith("Z")  # dead, and nobody has asked yet


def wait_until_gone(*pids):
    until = time.monotonic() + DEADLINE_S
    while not all(is_gone(pid) for pid in pids):
        assert time.monotonic() < until, "a process has outlived its Blender"
        time.sleep(0.05)


@pytest.fixture
def services(cube):
    with StandIn(model=cube, seconds=None) as made:
        yield made


@pytest.fixture
def home(tmp_path):
    """A Blender's user folder with the extension in it."""
    extensions = tmp_path / "extensions" / "user_default"
    extensions.mkdir(parents=True)
    (extensions / "image_to_3d").symlink_to(ROOT, target_is_directory=True)
    return tmp_path


@pytest.fixture
def pair(home, services):
    blenders = [Blender(home, services) for _ in range(2)]
    yield blenders
    for blender in blenders:
        blender.close()


def folder_of(home, job_id):
    (folder,) = home.rglob(f"jobs/{job_id}")
    return folder


def check_worked_once(home, job_id):
    """The job's process went its way exactly once, whichever Blender it belonged to."""
    log = (folder_of(home, job_id) / "log.txt").read_text()
    assert log.count(" submitting: ") == log.count(" ready: ") == 1, log


@once
def test_two_share_jobs_and_nothing_happens_twice(pair, home, services, star):
    first, second = pair
    (one,) = first.do("generate", str(star), "MESHY")["states"]
    states = second.do("generate", str(star), "CSM")["states"]
    (two,) = states.keys() - {one}
    tick_both_until(pair, lambda *_: len(services.creates) == 2)
    # Both may have started a process for the same job; whichever came second ends without having done anything.
    tick_both_until(
        pair, lambda a, b: all((job in a["processes"]) + (job in b["processes"]) == 1 for job in (one, two))
    )
    for create in services.creates:
        services.finish(create.id)
    a, b = tick_both_until(pair, lambda *both: all(set(x["states"].values()) == {"imported"} for x in both))
    assert (a["models"], b["models"]) == ([one], [two])  # each where it was asked for
    assert sorted(create.service for create in services.creates) == ["csm", "meshy"]
    for job in (one, two):
        check_worked_once(home, job)
    # What one has deleted or tries again, the other shows so.
    (folder_of(home, one) / "result.blend").write_bytes(b"")
    assert first.do("retry", one)["states"][one] == "waiting"
    a, b = tick_both_until(pair, lambda *both: all(x["states"][one] == "imported" for x in both) and both[0]["models"])
    tick_both_until(pair, lambda a, b: a["models"].count(one) == 2)
    assert b["models"] == [two] and len(services.creates) == 2


@once
def test_the_second_goes_on_where_the_first_was_killed(pair, home, services, star):
    first, second = pair
    (job,) = first.do("generate", str(star), "MESHY")["states"]
    tick_both_until(pair, lambda a, b: services.creates and b["states"].get(job) == "running")
    first.kill()
    wait_until_gone(*first.pids)
    second.do("tick")
    (create,) = services.creates
    services.finish(create.id)
    # Its process holds the job for a moment longer than it works on it.
    (found,) = tick_both_until([second], lambda found: found["states"][job] == "ready" and not found["processes"])
    assert not found["models"], "it was asked for elsewhere"
    assert second.do("import", job)["models"] == [job]
    assert len(services.creates) == 1
    record = json.loads((folder_of(home, job) / "job.json").read_text())
    assert (record["state"], record["task_id"]) == ("imported", create.id)


@once
def test_the_second_finds_the_task_whose_answer_the_killed_first_did_not_hear(pair, services, star):
    first, second = pair
    services.play("create", "hang_after")
    (job,) = first.do("generate", str(star), "CSM")["states"]
    tick_both_until([first], lambda found: services.creates)
    first.kill()
    for pid in first.pids:  # the whole machine went down: the process alone would have waited for the answer
        os.kill(pid, signal.SIGKILL)
    (create,) = services.creates
    services.finish(create.id)
    tick_both_until([second], lambda found: found["states"].get(job) == "ready")
    assert len(services.creates) == 1
