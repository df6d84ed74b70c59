# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's folder: complete before anything starts, always readable, held by one process at a time. Plain Python."""

import errno
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from image_to_3d.api.errors import BusyError, JobError, PictureError
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history
from image_to_3d.jobs.folder import State
from image_to_3d.jobs.history import Swept

PROGRAMS = Path(__file__).parents[1] / "programs"
NO_SUCH_MOMENT = 3  # the exit code of mortal.py where nothing was left to strike

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
    note = record["pictures"]["image_url"]
    assert (note["path"], note["size"]) == (str(star), star.stat().st_size)


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
    made = [jobs.create().rename(jobs.root / f"20260101-00000{number}-000000-abcd") for number in range(3)]
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
        history.remove(jobs.root, folder.name)
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
    history.remove(jobs.root, folder.name)
    assert list(jobs.root.iterdir()) == []
    with pytest.raises(JobError, match="There is no job"):
        history.remove(jobs.root, folder.name)


def test_what_is_set_aside_is_no_job_any_more_and_is_deleted_a_little_at_a_time(jobs):
    made = [jobs.create() for _ in range(3)]
    for folder in made:
        history.set_aside(jobs.root, folder.name)
    assert history.list_jobs(jobs.root) == []
    ticking = iter([0.0, 0.5, 1.5])  # seconds: one folder fits into one
    assert history.sweep(jobs.root, 1.0, clock=lambda: next(ticking)) is Swept.OUT_OF_TIME
    assert len(list(jobs.root.iterdir())) == 2
    assert history.sweep(jobs.root, 60.0) is Swept.ALL_GONE
    assert list(jobs.root.iterdir()) == []


OLD = ".new-20260101-000000-000000-abcd"


def test_what_an_interrupted_creation_left_is_tidied_away_later(jobs):
    kept = jobs.create()
    for name in (OLD, ".new-20260101-000000-000001-abcd"):
        shutil.copytree(kept, jobs.root / name)
    os.utime(jobs.root / OLD, (0, 0))
    assert history.sweep(jobs.root, 60.0) is Swept.ALL_GONE
    assert {entry.name for entry in jobs.root.iterdir()} == {kept.name, ".new-20260101-000000-000001-abcd"}
    assert [job.id for job in history.list_jobs(jobs.root)] == [kept.name]


def test_a_creation_that_is_killed_at_any_moment_leaves_what_will_be_tidied_away(jobs, star):
    """A whole job, nothing, or what the next session deletes. Before its record is there the folder is empty, or has a
    part of one."""
    before = star.read_bytes()
    for moment in range(100):
        command = [
            sys.executable,
            "-I",
            str(PROGRAMS / "mortal.py"),
            "kill",
            str(moment),
            str(PROGRAMS / "create_job.py"),
        ]
        code = subprocess.run([*command, str(jobs.root), str(star)]).returncode
        assert code in (NO_SUCH_MOMENT, -signal.SIGKILL)
        assert star.read_bytes() == before
        left = list(jobs.root.iterdir()) if jobs.root.exists() else []
        for entry in left:
            os.utime(entry, (0, 0))
            held = {file.name for file in entry.iterdir()}
            assert "job.json" in held or held <= {"job.json.part"}, held
        made = history.list_jobs(jobs.root)
        assert [job.state for job in made] == [State.WAITING] * len(made)
        assert history.sweep(jobs.root, 60.0) is Swept.ALL_GONE
        for entry in jobs.root.iterdir() if left else ():
            assert entry.name in {job.id for job in made} or "job.json" not in os.listdir(entry)
            shutil.rmtree(entry)
        if code == NO_SUCH_MOMENT:
            break
    assert code == NO_SUCH_MOMENT and moment > 5 and len(made) == 1


NO_JOBS = (
    "Documents",
    "20260101-000000-000000-ABCD",
    "20260101-000000-000000-abcde",
    "20260101-000000-abcd",
    "20260101-000000-000000-abcd ",
    ".removed-Documents",
    ".removed-",
    ".new-abandoned",
    ".new-",
    "x.removed-20260101-000000-000000-abcd",
)
"""Names that no job and no leftover of one has."""


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_what_is_no_job_by_its_name_is_never_listed_swept_or_removed(jobs):
    """Whatever the folder of the jobs turns out to be, what lies in it beside them is somebody's."""
    job = jobs.create()
    for name in NO_JOBS:
        shutil.copytree(job, jobs.root / name)
        os.utime(jobs.root / name, (0, 0))
    before = files_in(jobs.root)
    assert history.list_ids(jobs.root) == [job.name]
    assert history.sweep(jobs.root, 60.0) is Swept.ALL_GONE
    for name in (*NO_JOBS, "..", ".", "", "../jobs", str(job), f"{job.name}/", f"./{job.name}"):
        with pytest.raises(JobError, match="There is no job"):
            history.remove(jobs.root, name)
    assert files_in(jobs.root) == before


@pytest.mark.parametrize("name", ["20260101-000000-000000-abcd", ".removed-20260101-000000-000000-abcd", OLD])
def test_what_holds_no_record_is_never_listed_swept_or_removed(jobs, name):
    folder = jobs.root / name
    (folder / "sub").mkdir(parents=True)
    (folder / "thesis.txt").write_text("all of it")
    (folder / "sub" / "job.json").write_text("{}")
    (folder / "job.json").mkdir()
    os.utime(folder, (0, 0))
    before = files_in(jobs.root)
    assert history.list_jobs(jobs.root) == []
    assert history.sweep(jobs.root, 60.0) is Swept.ALL_GONE
    with pytest.raises(JobError, match="There is no job"):
        history.remove(jobs.root, name)
    with pytest.raises(JobError, match="There is no job"):
        history.cancel(folder)
    assert files_in(jobs.root) == before


@pytest.mark.parametrize("name", ["20260101-000000-000000-abcd", ".removed-20260101-000000-000000-abcd", OLD])
def test_no_link_is_followed(jobs, tmp_path, name):
    elsewhere = shutil.copytree(jobs.create(), tmp_path / "elsewhere")
    (jobs.root / name).symlink_to(elsewhere, target_is_directory=True)
    os.utime(elsewhere, (0, 0))
    before = files_in(tmp_path)
    assert name not in [job.id for job in history.list_jobs(jobs.root)]
    assert history.sweep(jobs.root, 60.0) is Swept.ALL_GONE
    with pytest.raises(JobError, match="There is no job"):
        history.remove(jobs.root, name)
    assert files_in(tmp_path) == before


def test_a_job_that_waits_for_what_is_paid_for_is_not_removed(jobs):
    folder = jobs.create()
    job = folders.read(folder)
    job.service, job.sent, job.task_id, job.state = "meshy", folders.now(), "0193", State.RUNNING
    folders.write(folder, job)
    with pytest.raises(JobError, match="has a task at Meshy that may be charged: cancel the job first"):
        history.remove(jobs.root, folder.name)
    history.cancel(folder)
    history.remove(jobs.root, folder.name)


def test_of_a_link_in_a_jobs_folder_only_the_link_is_deleted(jobs, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    for clear in (folders.clear_results, lambda folder: history.remove(jobs.root, folder.name)):
        folder = jobs.create()
        (folder / "map-normal").symlink_to(tmp_path / "mine", target_is_directory=True)
        (folder / "result.blend").symlink_to(tmp_path / "mine" / "thesis.txt")
        clear(folder)
        assert not (folder / "map-normal").is_symlink() and not (folder / "result.blend").is_symlink()
        assert (tmp_path / "mine" / "thesis.txt").read_text() == "all of it"


def test_a_removal_that_was_interrupted_goes_on(jobs):
    folder = history.set_aside(jobs.root, jobs.create().name)
    for entry in folder.iterdir():
        if entry.name not in ("job.json", "picture.png"):
            entry.unlink()
    assert history.sweep(jobs.root, 60.0) is Swept.ALL_GONE
    assert list(jobs.root.iterdir()) == []


def test_a_job_that_is_tried_anew_keeps_what_was_delivered_and_what_is_the_users(jobs):
    folder = jobs.create()
    before = {entry.name for entry in folder.iterdir()}
    for name in ("result.glb", "fetched.glb", "fetched.glb.unchecked", "my own.blend", "notes.txt"):
        (folder / name).write_text(name)
    for name in (
        "result.blend",
        "thumbnail.png",
        "fetched.glb.part",
        "fetched.glb.part-tag",
        "map-normal",
        "tmp-1.json",
    ):
        (folder / name).write_text("to go")
    (folder / "tmp-user").mkdir()
    folders.clear_results(folder)
    after = {entry.name for entry in folder.iterdir()} - before
    kept = {"result-kept-1.glb", "fetched-kept-1.glb", "fetched-kept-2.glb"}
    assert after == kept | {"my own.blend", "notes.txt"}
    assert sorted((folder / name).read_text() for name in kept) == [
        "fetched.glb",
        "fetched.glb.unchecked",
        "result.glb",
    ]


def test_the_size_is_that_of_the_files_in_the_folder(jobs, star):
    folder = jobs.create()
    assert folders.size_of(folder) == star.stat().st_size + (folder / "job.json").stat().st_size
    before = folders.size_of(folder)
    (folder / "result.blend").write_bytes(bytes(5000))
    (folder / "work").mkdir()
    (folder / "work" / "scratch").write_bytes(bytes(7000))  # which the process empties when it ends
    assert folders.size_of(folder) == before + 5000
    history.remove(jobs.root, folder.name)
    assert folders.size_of(folder) == 0


def test_the_ids_are_listed_newest_first_and_no_record_is_read(jobs):
    assert history.list_ids(jobs.root) == []  # there is no such folder yet
    names = [f"2026010{number}-000000-000000-abcd" for number in (2, 1, 3)]
    for name in names:
        (jobs.root / name).mkdir(parents=True)
        (jobs.root / name / "job.json").write_text("unreadable")
    (jobs.root / ".new-20260104-000000-000000-abcd").mkdir()
    (jobs.root / "20260105-000000-000000-abcd").touch()
    assert history.list_ids(jobs.root) == sorted(names, reverse=True)


@pytest.mark.skipif(os.name == "nt", reason="Windows gives what the user's folder gives")
def test_what_an_earlier_version_left_open_is_closed(jobs):
    """The folder of all jobs at once, which is the door; a job's own when somebody holds it next."""
    folder = jobs.create()

    def modes():
        return [path.stat().st_mode & 0o777 for path in (jobs.root, folder, folder / "lock")]

    def leave_open():
        for path, mode in ((jobs.root, 0o755), (folder, 0o755), (folder / "lock", 0o666)):
            path.chmod(mode)

    leave_open()
    with folders.lock(folder):
        assert modes() == [0o755, 0o700, 0o600]
    history.sweep(jobs.root, 60.0)
    assert modes()[0] == 0o700
    leave_open()
    jobs.create()
    assert modes()[0] == 0o700


def test_a_copied_folder_is_a_row_of_its_own_and_nothing_of_it_reaches_the_job(jobs, stand_in):
    """Whoever copies a folder gives it any name. One that no id has is nobody's; another id is a row, which says what
    it is."""
    folder = jobs.create()
    before = files_in(folder)
    copy = shutil.copytree(folder, jobs.root / "20260101-000000-000000-abcd")
    plain = shutil.copytree(folder, jobs.root / f"{folder.name} copy")
    rows = {job.id: job for job in history.list_jobs(jobs.root)}
    assert {job_id: job.state for job_id, job in rows.items()} == {folder.name: State.WAITING, copy.name: State.FAILED}
    assert "which may be a copy" in rows[copy.name].message and not rows[copy.name].needs_process
    assert jobs.start(copy, blender=stand_in).wait(60) == 1  # what was asked for once is not made, or paid for, twice
    for change in (history.cancel, history.retry, history.resume):
        with pytest.raises(JobError, match="cannot be read"):
            change(copy)
    history.remove(jobs.root, copy.name)
    assert not copy.exists() and files_in(folder) == before and plain.exists()
    assert folders.read(folder).state is State.WAITING


def test_a_job_whose_copy_took_its_name_is_still_removed_alone(jobs):
    """The original renamed, the copy under its name: each row is the folder that it names."""
    folder = jobs.create()
    other = folder.rename(jobs.root / "20260101-000000-000000-abcd")
    shutil.copytree(other, folder)
    assert sorted(job.id for job in history.list_jobs(jobs.root)) == sorted([folder.name, other.name])
    history.remove(jobs.root, folder.name)
    assert [job.id for job in history.list_jobs(jobs.root)] == [other.name]


def vanishing(monkeypatch, module, name, vanish):
    """Has somebody else do something just before each call of a function of the system."""
    really, inside = getattr(module, name), []

    def meanwhile(*arguments, **options):
        if not inside:  # what somebody else does is no moment of its own
            inside.append(1)
            vanish()
            inside.pop()
        return really(*arguments, **options)

    monkeypatch.setattr(module, name, meanwhile)


@pytest.mark.parametrize("name", ["scandir", "listdir", "stat", "unlink", "rmdir"])
def test_two_blenders_sweep_at_once(jobs, monkeypatch, name):
    """Whatever one of them is about to look at or to delete, the other has deleted already."""
    for folder in [jobs.create() for _ in range(2)]:
        history.set_aside(jobs.root, folder.name)
    for moment in range(30):
        if not jobs.root.exists() or not list(jobs.root.iterdir()):
            break
        left = [moment]

        def vanish(left=left):
            left[0] -= 1
            if left[0] == -1:
                subprocess.run(["rm", "-rf", *map(str, jobs.root.glob(".removed-*"))], check=True)

        with monkeypatch.context() as patch:
            vanishing(patch, os, name, vanish)
            assert history.sweep(jobs.root, 60.0) is Swept.ALL_GONE
        assert list(jobs.root.iterdir()) == []
        for folder in [jobs.create() for _ in range(2)]:
            history.set_aside(jobs.root, folder.name)
        if left[0] >= 0:
            break
    assert left[0] >= 0 and moment > 0


@pytest.mark.parametrize("ask", [history.list_ids, history.list_jobs, lambda root: history.sweep(root, 60.0)])
def test_a_folder_of_all_jobs_that_vanishes_is_an_empty_one(jobs, monkeypatch, ask):
    jobs.create()
    vanishing(monkeypatch, os, "scandir", lambda: shutil.rmtree(jobs.root, ignore_errors=True))
    assert ask(jobs.root) in ([], Swept.ALL_GONE)


def test_a_job_that_another_blender_lists_while_it_is_being_made_is_whole_or_not_there(jobs, monkeypatch):
    seen = []

    def look():
        seen.extend(history.list_jobs(jobs.root))
        assert history.sweep(jobs.root, 60.0) is Swept.ALL_GONE

    for name in ("mkdir", "link", "rename"):
        with monkeypatch.context() as patch:
            vanishing(patch, os, name, look)
            folder = jobs.create()
        assert folders.read(folder).state is State.WAITING
    assert all(job.state is State.WAITING for job in seen)


def test_the_folder_of_all_jobs_is_made_again_where_somebody_tidied_it_up_just_now(jobs, monkeypatch):
    jobs.create()
    tidied = []

    def tidy_up():
        if not tidied:
            tidied.append(1)
            shutil.rmtree(jobs.root)

    vanishing(monkeypatch, folders.files, "make_folder", tidy_up)
    assert history.list_ids(jobs.root)[1:] == [] and jobs.create().is_dir() and tidied


def open_elsewhere(monkeypatch, name, is_open):
    """Has the system refuse a file that a program has open, as Windows does."""
    really = getattr(os, name)

    def refused(path, *arguments, **options):
        if is_open(str(path)):
            error = PermissionError(errno.EACCES, "The process cannot access the file")
            error.winerror = 32
            raise error
        return really(path, *arguments, **options)

    monkeypatch.setattr(os, name, refused)


def test_a_folder_whose_thumbnail_is_open_is_deleted_by_a_later_sweep(jobs, monkeypatch):
    for _ in range(2):
        folder = jobs.create()
        (folder / "thumbnail.png").touch()
        aside = history.set_aside(jobs.root, folder.name)
    with monkeypatch.context() as patch:
        patch.setattr(folders.files.time, "sleep", lambda seconds: pytest.fail("it waited"))
        open_elsewhere(patch, "unlink", lambda path: path.endswith(f"{aside.name}/thumbnail.png"))
        assert history.sweep(jobs.root, 60.0) is Swept.KEPT
        assert [entry.name for entry in jobs.root.iterdir()] == [aside.name]
        assert (aside / "job.json").exists()  # so that it is still known to be one of ours
    assert history.sweep(jobs.root, 60.0) is Swept.ALL_GONE
    assert list(jobs.root.iterdir()) == []


def test_a_job_of_which_a_file_is_open_is_removed_another_time(jobs, monkeypatch):
    folder = jobs.create()
    with monkeypatch.context() as patch:
        patch.setattr(folders.files.time, "sleep", lambda seconds: pytest.fail("it waited"))
        open_elsewhere(patch, "rename", lambda path: path == str(folder))
        with pytest.raises(BusyError, match="is open in a program: try again in a moment"):
            history.set_aside(jobs.root, folder.name)
    assert folders.read(folder).state is State.WAITING
    history.remove(jobs.root, folder.name)


@pytest.mark.parametrize(
    "place",
    [
        {"location": [0.0, math.nan, 0.0]},
        {"location": [math.inf, 0.0, 0.0]},
        {"location": [0.0, 0.0]},
        {"size": math.nan},
        {"size": math.inf},
    ],
    ids=str,
)
def test_a_place_that_is_none_is_refused_and_leaves_no_job(jobs, star, place):
    with pytest.raises(JobError, match="cannot be put there .*: use three finite numbers, and a finite size"):
        folders.create(jobs.root, service="local", parameters={"image_url": str(star)}, name="Red Star", place=place)
    assert not jobs.root.exists() or not list(jobs.root.iterdir())
