# SPDX-License-Identifier: GPL-3.0-or-later
"""A record that holds what no job has: it is one row that says so, it stops no other job, and it picks no file of the
user's. Plain Python."""

import dataclasses
import json
import os
import shutil

import pytest

from image_to_3d.api.errors import JobError
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history, record
from image_to_3d.jobs.folder import State


def change(folder, **fields):
    """Write other values into the record of a job."""
    found = json.loads((folder / "job.json").read_text())
    (folder / "job.json").write_text(json.dumps({**found, **fields}))


BAD = [
    {"id": 5},
    {"id": ""},
    {"id": "20260101-000000-000000-abcd"},
    {"id": "../20260101-000000-000000-abcd"},
    {"service": {}},
    {"service": None},
    {"service": ""},
    {"service": "a\nb"},
    {"service": "x" * 1000},
    {"name": 7},
    {"name": None},
    {"parameters": [1]},
    {"parameters": "image_url"},
    {"parameters": None},
    {"parameters": {"image_url": {"a": 1}}},
    {"parameters": {"scaled_bbox": [[1]]}},
    {"parameters": {"scaled_bbox": ["1"]}},
    {"parameters": {"a\nb": 1}},
    {"parameters": {"count": 10**30}},
    {"images": ["Fox"]},
    {"images": {"back_image_url": 1}},
    {"picture_sha256": 1},
    {"picture_sha256": "../../etc/passwd"},
    {"place": []},
    {"place": {"location": 5}},
    {"place": {"location": [0, 0]}},
    {"place": {"location": [0, 0, "0"]}},
    {"place": {"location": [0, 0, True]}},
    {"place": {"location": [0, 0, 1e300]}},
    {"place": {"size": "1"}},
    {"place": {"size": -1}},
    {"place": {"size": True}},
    {"place": {"collection": 1}},
    {"state": "melted"},
    {"state": 1},
    {"state": []},
    {"state": None},
    {"sent": 5},
    {"sent": None},
    {"sent": "yesterday"},
    {"sent": "2026-01-01T00:00:00"},
    {"created": []},
    {"updated": "2026-99-01T00:00:00Z"},
    {"updated": True},
    {"task_id": 5},
    {"task_id": None},
    {"task_id": "a b"},
    {"task_id": ".."},
    {"task_id": "a\n"},
    {"task_id": "\u00e4"},
    {"task_id": "x" * 201},
    {"adopted": 1},
    {"gone": "no"},
    {"task_over": None},
    {"untold": []},
    {"candidates": "abc"},
    {"candidates": [1]},
    {"candidates": {}},
    {"earlier": {}},
    {"earlier": ["a"]},
    {"earlier": [{"sent": ""}]},
    {"earlier": [{"sent": "yesterday", "task_id": ""}]},
    {"earlier": [{"sent": "", "task_id": 1}]},
    {"credits": "5"},
    {"credits": 1.5},
    {"credits": True},
    {"credits": 10**20},
    {"progress": "half"},
    {"progress": True},
    {"progress": -0.1},
    {"progress": 2},
    {"progress": None},
    {"progress": 10**400},
    {"message": 5},
    {"message": None},
    {"service_note": {}},
    {"note": []},
    {"bounds": 1},
    {"bounds": [[0, 0, 0]]},
    {"bounds": [[0, 0, 0], [1, 1]]},
    {"bounds": [[0, 0, 0], [1, 1, "1"]]},
    {"bounds": [[0, 0, 0], [1, 1, 1e300]]},
    {"bounds": [[0, 0, 0], [1, 1, 1e38]]},
    {"bounds": [[0, 0, 2], [1, 1, 1]]},
    {"bounds": None},
]


def words(fields):
    """A short name for a test."""
    return json.dumps(fields)[:50]


@pytest.mark.parametrize("fields", BAD, ids=words)
def test_a_bad_value_is_one_row_that_says_so(jobs, fields):
    folder = jobs.create()
    change(folder, **fields)
    (job,) = history.list_jobs(jobs.root)
    (name,) = fields
    assert (job.id, job.state) == (folder.name, State.FAILED)
    assert "cannot be read" in job.message and f"`{name}`" in job.message and str(folder) in job.message
    assert job.source == "" and not job.needs_process
    for ask in (folders.read, history.cancel, history.retry, history.resume, history.forget):
        with pytest.raises(JobError, match="cannot be read"):
            ask(folder)
    history.remove(jobs.root, folder.name)
    assert list(jobs.root.iterdir()) == []


CONTENTS = {
    "": "no JSON",
    "[]": "no object",
    "7": "no object",
    "null": "no object",
    "[" * 100_000: "nested too deep",
    '{"id": NaN}': "NaN",
    '{"later": [-Infinity]}': "-Infinity",
    '{"id": "x"': "no JSON",
    '{"later": ' + "1" * 5000 + "}": "no JSON",
    "{}": "`id` is missing",
    " " * (2 << 20): "larger than 1 MB",
    b"\xff\xfe{\0}\0": "not UTF-8",
    b'{"id": "\xe4"}': "not UTF-8",
}


@pytest.mark.parametrize("content", CONTENTS, ids=[*CONTENTS.values()])
def test_what_is_no_record_at_all_is_one_row_that_says_so(jobs, content):
    folder = jobs.create()
    (folder / "job.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    (job,) = history.list_jobs(jobs.root)
    assert job.state is State.FAILED and CONTENTS[content] in job.message


@pytest.mark.parametrize("name", ["id", "service", "state"])
def test_a_record_without_what_makes_it_a_job_says_so(jobs, name):
    folder = jobs.create()
    found = json.loads((folder / "job.json").read_text())
    del found[name]
    (folder / "job.json").write_text(json.dumps(found))
    (job,) = history.list_jobs(jobs.root)
    assert f"`{name}` is missing" in job.message


def test_all_else_may_be_missing_and_more_may_be_there(jobs):
    folder = jobs.create()
    kept = {"id": folder.name, "service": "of_a_later_version", "state": "failed"}
    (folder / "job.json").write_text(json.dumps({**kept, "invented_later": [{"deep": [1]}]}), encoding="utf-8-sig")
    job = folders.read(folder)
    assert job == folders.Job(folder.name, "of_a_later_version", folder.name, {}, state=State.FAILED)
    assert job.source == ""


def test_the_good_jobs_among_bad_ones_are_listed_and_go_on(jobs):
    first = jobs.create()
    for number, fields in enumerate(BAD):
        bad = shutil.copytree(first, jobs.root / f"20260101-{number:06}-000000-abcd")
        change(bad, **{"id": bad.name, **fields})
    last = jobs.create()
    rows = {job.id: job for job in history.list_jobs(jobs.root)}
    assert len(rows) == len(BAD) + 2
    assert [job_id for job_id, job in rows.items() if job.state is State.WAITING] == [last.name, first.name]
    assert history.sweep(jobs.root, 60.0) is history.Swept.ALL_GONE and len(history.list_ids(jobs.root)) == len(BAD) + 2


@pytest.mark.parametrize("state", [State.READY, State.IMPORTED, State.FAILED, State.UNCONFIRMED, State.CANCELLED])
def test_only_of_what_was_cancelled_somebody_is_told(jobs, state):
    folder = jobs.create()
    change(folder, state=state, untold=True)
    assert folders.read(folder).untold is (state is State.CANCELLED)


def test_every_field_of_a_record_has_a_check():
    assert {field.name for field in dataclasses.fields(folders.Job)} == {*record.FIELDS, "id", "state"}


def test_what_is_written_is_read(jobs):
    folder = jobs.create()
    job = folders.read(folder)
    job.place = {"location": (1.5, -2.0, 0.0), "size": 2.0, "collection": "Props", "exactly": True, "select": "NEVER"}
    job.place.update(row="0123-abcd", number=3)
    job.origins, job.file, job.took_s = {"image_url": "/pictures/fox.png"}, "/pictures/woods.blend", 12.5
    job.images = {"back_image_url": "Fox Behind"}
    job.group, job.variant, job.is_cleared = "0123-abcd", 3, True
    job.sent, job.task_id, job.candidates, job.credits = folders.now(), "01a1fd95-0e0e", ["a", "b"], 25
    job.give_task_up()
    job.sent, job.task_id, job.candidates, job.credits = folders.now(), "SESSION_1700000_1", ("c",), 0
    job.parameters.update(scaled_bbox=[-1.0, 0.5, 2], target=None, pbr=True, prompt="a fox\nin a box", count=30_000)
    job.bounds = ((-1.0, -0.5, 0.0), (1.0, 0.5, 1e6))
    job.state, job.progress, job.message, job.note = State.RUNNING, 0.85, "Meshy is working", "2,000 faces"
    job.picture_note = job.service_note = "Fox.webp is an animation: its first frame was taken."
    folders.write(folder, job)
    assert folders.read(folder) == job


def test_the_words_of_a_record_can_be_drawn(jobs):
    folder = jobs.create()
    change(folder, name="Fox\x1b[31m\ud800\nfake", message="m" * 5000, note="\0")
    job = folders.read(folder)
    assert job.name.isprintable() and job.name.startswith("Fox") and job.name.endswith("fake")
    assert len(job.message) < 5000 and job.note.strip() == ""


def test_the_process_of_a_bad_record_ends_and_says_why(jobs):
    folder = jobs.create()
    change(folder, parameters=[1])
    before = (folder / "job.json").read_bytes()
    started = jobs.start(folder)
    assert started.wait(60) == 1
    said = (folder / "log.txt").read_text()
    assert "`parameters` is no object" in said and "Traceback" not in said
    assert (folder / "job.json").read_bytes() == before


@pytest.fixture
def private(jobs, star):
    """A picture of the user's, beside the folder of all jobs."""
    path = jobs.root.parent / "private.png"
    path.write_bytes(star.read_bytes())
    return path


PLANTED = [
    "../../private.png",
    "../private.png",
    "{private}",
    "file://{private}",
    "..",
    ".",
    "sub/../../../private.png",
    "link.png",
    "sub",
    "pipe",
    "missing.png",
    "..\\..\\private.png",
    "\\\\host\\share\\private.png",
    "C:private.png",
    "C:\\private.png",
    "picture.png:stream",
    "picture.png\0",
    "data:image/png;base64,AAAA",
    " ",
    "",
    5,
    True,
]


@pytest.mark.parametrize("service", ["local", "meshy"])
def test_a_record_picks_no_picture_but_one_in_its_own_folder(jobs, private, service):
    folder = jobs.create()
    (folder / "link.png").symlink_to(private)
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    for value in PLANTED:
        value = value.format(private=private) if isinstance(value, str) else value
        change(folder, service=service, parameters={"image_url": value})
        job = folders.read(folder)
        assert not any(part in job.source for part in ("/", "\\", ":", "..")), value
        with pytest.raises(JobError, match="no file in that folder|names no picture"):
            folders.request_of(folder, job)
    change(folder, service=service, parameters={"image_url": "picture.png"})
    assert folders.request_of(folder, folders.read(folder)) == {"image_url": str(folder / "picture.png")}
    change(folder, service=service, parameters={"image_url": "https://example.org/a.png"})
    assert folders.request_of(folder, folders.read(folder)) == {"image_url": "https://example.org/a.png"}


def test_a_planted_job_fails_and_says_why(jobs, private):
    folder = jobs.create()
    change(folder, parameters={**folders.read(folder).parameters, "image_url": "../../private.png"})
    job = jobs.finish(folder)
    assert job.state is State.FAILED and "no file in that folder" in job.message
    assert not (folder / "result.glb").exists()


def test_a_planted_job_is_not_taken_for_one_that_asked_for_the_same(jobs, private, tmp_path):
    parameters = folders.SERVICES["meshy"].parameters
    asked = {entry.name: entry.default for entry in parameters} | {"image_url": str(private)}
    folder = folders.create(jobs.root, service="meshy", parameters=asked, name="Private")
    assert history.find_paid(jobs.root, "meshy", asked, tmp_path).id == folder.name
    change(folder, parameters={**folders.read(folder).parameters, "image_url": "../../private.png"})
    assert history.find_paid(jobs.root, "meshy", asked, tmp_path) is None
