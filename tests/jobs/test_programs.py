# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that a job's process starts: what they print is in the job's log, and they end with whoever started
them. Real processes."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from image_to_3d import api
from image_to_3d.api.parameters import check
from image_to_3d.api.services import SERVICES
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import worker
from image_to_3d.jobs.folder import State
from image_to_3d.programs import process
from image_to_3d.programs.program import Program, blender_command

ROOT = Path(__file__).resolve().parents[2]
DETAILS = "log.txt in the job's folder has the details."
KEY = "some-key-0123456789"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def crashing(tmp_path):
    """A Blender that says why it dies."""
    path = tmp_path / "crashing"
    path.write_text('#!/bin/sh\necho "Out of memory in $*" >&2\nexit 11\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("service", ["local", "meshy", "csm"])
def test_what_a_program_of_a_job_prints_is_in_the_jobs_log(tmp_path, star, jobs, crashing, service):
    """The one that looks at the picture works in a scratch folder, which is gone when the job has failed."""
    parameters = check(SERVICES[service].parameters, {"image_url": str(star)})
    folder = folders.create(jobs.root, service=service, parameters=parameters, name="Red Star")
    connection = {"connection": {"key": KEY, "url": NOWHERE}} if service != "local" else {}
    started = worker.start(folder, python=[sys.executable, "-I"], config={"blender": crashing, **connection})
    jobs.started.append(started)
    started.wait(60)
    job = folders.read(folder)
    assert job.state is State.FAILED and job.message.endswith(DETAILS), job.message
    assert "Out of memory in" in (folder / "log.txt").read_text()
    assert not list(folder.glob("tmp-*/log.txt"))


def test_a_script_is_told_of_no_jobs_folder(star, crashing):
    for name in ("meshy", "csm"):
        service = api.connect(name, key=KEY, url=NOWHERE, blender=[crashing])
        with pytest.raises(api.ImageTo3DError, match="stopped unexpectedly") as raised:
            service.create({"image_url": str(star)})
        assert "folder" not in str(raised.value) and "log" not in str(raised.value)


def test_the_log_that_a_program_writes_to_is_the_one_it_was_given(tmp_path, crashing):
    work, logs = tmp_path / "work", tmp_path / "logs"
    work.mkdir()
    logs.mkdir()
    for log, said in ((None, ""), (logs / "log.txt", DETAILS)):
        program = Program([crashing], "headless.nothing", {}, work, log)
        until = time.monotonic() + 30
        while not (report := program.poll()).error:
            assert time.monotonic() < until
            time.sleep(0.01)
        program.stop()
        assert report.error.endswith(said) and ("log" in report.error) is bool(said)
    assert "Out of memory in headless.nothing" in (logs / "log.txt").read_text()
    assert (logs / "log.txt").stat().st_mode & 0o777 == 0o600
    assert not list(work.glob("*log*"))


NEVER_BACK = """
import runpy, sys, hashlib
runpy.run_path(sys.argv[1])["load_package"]()
from image_to_3d.programs import process
getattr(process, sys.argv[2])()
print("at work", flush=True)
if sys.argv[3] == "in a call that never comes back":
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 2**31 - 1)
while True:
    sum(range(1000))
"""


def at_work(function, how):
    started = subprocess.Popen(
        [sys.executable, "-I", "-c", NEVER_BACK, str(ROOT / "programs" / "launch.py"), function, how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert started.stdout.readline() == b"at work\n"
    return started


@pytest.mark.skipif(os.name == "nt", reason="Windows tells nobody of the end of a pipe")
@pytest.mark.parametrize(
    "function, how",
    [
        pytest.param(
            "end_with_starter",
            "in a call that never comes back",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends it there"),
        ),
        ("end_with_starter", "in Python"),
        ("look_after_starter", "in Python"),
    ],
)
def test_a_program_ends_with_its_starter_whatever_it_does(function, how):
    started = at_work(function, how)
    try:
        time.sleep(1.2)  # two looks of the timer
        assert started.poll() is None  # as long as somebody is there, it works
        started.stdin.close()
        assert started.wait(20) != 0
    finally:
        started.kill()
        started.wait()
        started.stdout.close()


@pytest.mark.skipif(os.name == "nt", reason="there are no such pipes")
def test_a_background_blender_ends_with_its_starter_also_where_it_has_nothing_to_report(tmp_path):
    """The sculptor waits for its picture, a pipe that nobody writes to: only what `launch.py` has arranged can end
    it."""
    pipe, request = tmp_path / "pipe", tmp_path / "request.json"
    os.mkfifo(pipe)
    asked = {"picture": str(pipe), "name": "Pipe", "parameters": {}, "output": str(tmp_path / "out.glb")}
    request.write_text(json.dumps({**asked, "report": str(tmp_path / "report")}))
    command = [*blender_command(""), "headless.sculpt", str(request)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE)
    writer = None
    try:
        until = time.monotonic() + 60
        while writer is None:  # until it has opened the picture
            assert started.poll() is None and time.monotonic() < until
            time.sleep(0.02)
            with contextlib.suppress(OSError):
                writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        started.stdin.close()
        started.wait(20)
    finally:
        started.kill()
        started.wait()
        os.close(writer)


def workers(folder):
    """Process ids of the background Blenders that work in `folder`."""
    found = subprocess.run(["pgrep", "-f", f"headless.*{folder.name}"], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="needs pgrep")
@pytest.mark.parametrize("state", [State.RUNNING, State.CONVERTING])
def test_a_background_blender_does_not_outlive_a_jobs_process_that_is_killed(jobs, state):
    """kill -9, so nobody tells it: it notices by itself. `Popen.kill` is for the process alone, `process.kill` for its
    group."""
    folder = jobs.create(resolution="high_poly", texture_model="pbr")
    started = jobs.start(folder)
    jobs.wait_until(lambda: folders.read(folder).state is state and workers(folder))
    started.kill()
    started.wait()
    jobs.wait_until(lambda: not workers(folder))
    assert not (folder / "result.blend").exists()


def test_a_process_that_died_before_it_read_its_config_is_let_go_of_like_any_other():
    config = {"key": KEY, "rest": "x" * 1_000_000}  # more than a pipe holds, so that some of it is left unwritten
    nothing = [sys.executable, "-IS", "-c", ""]
    for let_go in (process.stop, process.let_go):
        died = process.start(
            "jobs.run", python=nothing, config=config, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        process.wait(died, 30)
        let_go(died)
        assert not process.is_alive(died) and died.stdin.closed
        died.stdout.close()
