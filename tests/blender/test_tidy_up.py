# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing old jobs: which go, and which never do."""

import json
import os
from datetime import UTC, datetime, timedelta

import bpy
import pytest
from layout import drawn_by, words

GO = {"imported", "failed", "cancelled"}
STATES = ("waiting", "submitting", "running", "downloading", "converting", "ready", "unconfirmed", *GO)


@pytest.fixture
def make(extension, session, no_jobs, star):
    """Makes a job in a state, some days old."""
    folders = extension.module("jobs.folder")

    def make(state, days):
        folder = folders.create(session.root(), service="local", parameters={"image_url": str(star)}, name=state)
        record = json.loads((folder / "job.json").read_text())
        moment = datetime.now(UTC) - timedelta(days=days)
        record.update(state=state, updated=moment.isoformat(timespec="seconds"))
        (folder / "job.json").write_text(json.dumps(record))
        return folder.name

    return make


def names(session):
    return {folder.name for folder in session.root().iterdir() if not folder.name.startswith(".")}


def test_only_what_is_over_and_old_goes(session, make):
    old = {state: make(state, 40) for state in STATES}
    young = {state: make(state, 20) for state in STATES}
    assert bpy.ops.image_to_3d.tidy_up() == {"FINISHED"}
    assert names(session) == {*young.values(), *(job for state, job in old.items() if state not in GO)}
    bpy.ops.image_to_3d.tidy_up(days=10)
    kept = [job for jobs in (old, young) for state, job in jobs.items() if state not in GO]
    assert names(session) == set(kept)


def test_a_job_that_cannot_be_read_stays(session, make):
    job = make("failed", 40)
    (session.root() / job / "job.json").write_text("{")
    bpy.ops.image_to_3d.tidy_up(days=0)
    assert names(session) == {job}


def test_a_task_that_was_paid_for_and_not_fetched_stays(session, make):
    job = make("failed", 40)
    record = json.loads((session.root() / job / "job.json").read_text())
    record.update(sent="2026-11-21T12:00:00Z", task_id="01a1fd95")
    (session.root() / job / "job.json").write_text(json.dumps(record))
    bpy.ops.image_to_3d.tidy_up()
    assert names(session) == {job}


def test_what_goes_is_deleted_from_the_disk_in_the_next_ticks(session, make):
    make("imported", 40)
    bpy.ops.image_to_3d.tidy_up()
    while session.is_behind():
        session.tick()
    assert list(session.root().iterdir()) == []


def test_a_job_that_is_in_use_stays_and_the_others_go(extension, session, make, capfd):
    folders = extension.module("jobs.folder")
    held, free = make("imported", 40), make("imported", 41)
    with folders.lock(session.root() / held):
        bpy.ops.image_to_3d.tidy_up()
    assert names(session) == {held} and free
    printed = capfd.readouterr()
    assert "imported stays: " in printed.out + printed.err and "Removed 1 job, " in printed.out + printed.err


def test_the_dialog_says_how_much_goes(extension, session, make, monkeypatch):
    jobs = [make("imported", 40), make("ready", 40), make("failed", 20)]
    for job in jobs:
        (session.root() / job / "model.glb").write_bytes(bytes(2_000_000))
        session.refresh(job)
    before = os.stat(session.root())
    dialog = extension.module("operators.tidy_up").IMAGE_TO_3D_OT_tidy_up
    properties = bpy.ops.image_to_3d.tidy_up.get_rna_type()
    assert "1 job, 2.0 MB" in words(drawn_by(dialog, days=30, bl_rna=properties))
    assert "2 jobs, 4.0 MB" in words(drawn_by(dialog, days=10, bl_rna=properties))
    assert os.stat(session.root()) == before


@pytest.mark.parametrize(
    ("jobs", "size", "said"),
    [
        (0, 0, "0 jobs, 0.0 KB"),
        (1, 999, "1 job, 1.0 KB"),
        (2, 99_940, "2 jobs, 99.9 KB"),
        (2, 999_600, "2 jobs, 1.0 MB"),
        (1234, 5_600_000_000, "1,234 jobs, 5.6 GB"),
        (9, 7e15, "9 jobs, 7,000 TB"),
    ],
)
def test_amounts_in_words(extension, jobs, size, said):
    assert extension.module("scene.amount").in_words(jobs, size) == said


def test_without_jobs_there_is_nothing_to_remove(session, no_jobs):
    session.tick()
    assert not bpy.ops.image_to_3d.tidy_up.poll()
