# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's folder: complete before anything starts, always readable, held by one process at a time. Plain Python."""

import errno
import json
import os
import signal
import subprocess
import sys

import pytest

from image_to_3d.api.errors import BusyError, JobError, PictureError
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history
from image_to_3d.jobs.folder import State

HOLD = """
import sys, time, fcntl
file = open(sys.argv[1], "r+b")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


def test_a_new_job_holds_its_picture_and_its_whole_record(jobs, star):
    folder = jobs.create(texture_model="pbr")
    record = json.loads((folder / "job.json").read_text())
    assert record["id"] == folder.name
    assert record["service"] == "local"
    assert record["state"] == "waiting"
    assert record["task_id"] == ""
    assert record["progress"] == 0
    assert record["message"] == "Waiting for its turn"
    assert record["parameters"]["texture_model"] == "pbr"
    assert (folder / record["parameters"]["image_url"]).read_bytes() == star.read_bytes()
    assert record["picture_sha256"] == folders.sha256_of(star)


def test_a_job_that_cannot_be_made_leaves_nothing(jobs):
    with pytest.raises(PictureError):
        jobs.create(image_url="/nowhere/fox.png")
    assert list(jobs.root.iterdir()) == []


def test_a_record_is_replaced_as_a_whole_even_when_the_disk_is_full(jobs, monkeypatch):
    folder = jobs.create()
    before = folders.read(folder)

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    changed = folders.read(folder)
    changed.state = State.RUNNING
    with pytest.raises(OSError):
        folders.write(folder, changed)
    assert folders.read(folder) == before


def test_a_record_of_a_later_version_is_still_read(jobs):
    folder = jobs.create()
    record = json.loads((folder / "job.json").read_text())
    (folder / "job.json").write_text(json.dumps({**record, "invented_later": 1}))
    assert folders.read(folder).id == folder.name


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"state": "melted"}', "\0\0\0"])
def test_an_unreadable_record_hides_no_other_job(jobs, content):
    good, bad = jobs.create(), jobs.create()
    (bad / "job.json").write_text(content)
    listed = {job.id: job for job in history.list_jobs(jobs.root)}
    assert listed[good.name].state is State.WAITING
    assert listed[bad.name].state is State.FAILED
    assert "cannot be read" in listed[bad.name].message


def test_the_newest_job_comes_first(jobs):
    made = [jobs.create().rename(jobs.root / f"20260101-00000{number}-abcdef") for number in range(3)]
    for folder in made:
        record = json.loads((folder / "job.json").read_text())
        (folder / "job.json").write_text(json.dumps({**record, "id": folder.name}))
    assert [job.id for job in history.list_jobs(jobs.root)] == [folder.name for folder in reversed(made)]


def test_a_job_is_held_by_one_at_a_time_and_a_dead_holder_holds_nothing(jobs):
    folder = jobs.create()
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(folder / "lock")], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(BusyError), folders.lock(folder):
        pass
    assert folders.is_locked(folder)
    with pytest.raises(BusyError):
        history.remove(folder)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with folders.lock(folder):
        assert folders.is_locked(folder)
    assert not folders.is_locked(folder)


def test_removing_and_retrying_keep_to_the_rules(jobs):
    folder = jobs.create()
    with pytest.raises(JobError, match="only a job that has ended"):
        history.retry(folder)
    history.cancel(folder)
    assert folders.read(folder).state is State.CANCELLED
    history.retry(folder)
    assert folders.read(folder).state is State.WAITING and not folders.cancel_asked(folder)
    history.remove(folder)
    assert list(jobs.root.iterdir()) == []
    with pytest.raises(JobError, match="There is no job"):
        history.remove(folder)


def test_what_an_interrupted_creation_left_is_tidied_away_later(jobs):
    kept = jobs.create()
    (jobs.root / ".new-abandoned").mkdir()
    os.utime(jobs.root / ".new-abandoned", (0, 0))
    (jobs.root / ".new-just-now").mkdir()
    history.tidy_up(jobs.root)
    assert {entry.name for entry in jobs.root.iterdir()} == {kept.name, ".new-just-now"}
    assert [job.id for job in history.list_jobs(jobs.root)] == [kept.name]
