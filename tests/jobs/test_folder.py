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


def test_what_is_set_aside_is_no_job_any_more_and_is_deleted_a_little_at_a_time(jobs):
    made = [jobs.create() for _ in range(3)]
    for folder in made:
        history.set_aside(folder)
    assert history.list_jobs(jobs.root) == []
    ticking = iter([0.0, 0.5, 1.5])  # seconds: one folder fits into one
    assert not history.sweep(jobs.root, 1.0, clock=lambda: next(ticking))
    assert len(list(jobs.root.iterdir())) == 2
    assert history.sweep(jobs.root, 60.0)
    assert list(jobs.root.iterdir()) == []


def test_what_an_interrupted_creation_left_is_tidied_away_later(jobs):
    kept = jobs.create()
    (jobs.root / ".new-abandoned").mkdir()
    os.utime(jobs.root / ".new-abandoned", (0, 0))
    (jobs.root / ".new-just-now").mkdir()
    assert history.sweep(jobs.root, 60.0)
    assert {entry.name for entry in jobs.root.iterdir()} == {kept.name, ".new-just-now"}
    assert [job.id for job in history.list_jobs(jobs.root)] == [kept.name]


def test_the_size_is_that_of_the_files_in_the_folder(jobs, star):
    folder = jobs.create()
    assert folders.size_of(folder) == star.stat().st_size + (folder / "job.json").stat().st_size
    before = folders.size_of(folder)
    (folder / "result.blend").write_bytes(bytes(5000))
    (folder / "work").mkdir()
    (folder / "work" / "scratch").write_bytes(bytes(7000))  # which the process empties when it ends
    assert folders.size_of(folder) == before + 5000
    history.remove(folder)
    assert folders.size_of(folder) == 0


def test_the_ids_are_listed_newest_first_and_no_record_is_read(jobs):
    assert history.list_ids(jobs.root) == []  # there is no such folder yet
    names = [f"2026010{number}-000000-000000-abcd" for number in (2, 1, 3)]
    for name in names:
        (jobs.root / name).mkdir(parents=True)  # with no record in it
    (jobs.root / ".new-20260104-000000-000000-abcd").mkdir()
    (jobs.root / "a file").touch()
    assert history.list_ids(jobs.root) == sorted(names, reverse=True)
