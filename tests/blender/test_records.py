# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that hold what no job has, beside good ones, in Blender: all are listed and drawn, the good ones go on, the
bad ones can be removed."""

import json

import bpy
import pytest
from layout import drawn_by, operators, words
from once import once
from ticking import tick_until

BAD = (
    {"parameters": [1]},
    {"service": {}},
    {"id": 5},
    {"sent": "yesterday", "state": "unconfirmed"},
    {"progress": "half", "state": "running"},
    {"place": {"location": "here"}, "state": "ready"},
    {"earlier": [1]},
    {"message": None},
)


@pytest.fixture
def list_of_jobs(extension):
    return extension.module("panels.jobs")


@pytest.fixture
def change(session):
    """Write other values into the record of a job."""

    def change(job, **fields):
        path = session.folder_of(job.id) / "job.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

    return change


def select(job_id):
    shown = bpy.context.window_manager.image_to_3d
    shown.index = [item.name for item in shown.items].index(job_id)


@once
def test_bad_records_stop_nothing_and_can_be_removed(
    extension, make_job, session, change, list_of_jobs, settings, star
):
    bad = []
    for fields in BAD:
        bad.append(make_job("failed"))
        change(bad[-1], **fields)
    good = extension.module("session.start").start_job(bpy.context.scene, filepath=str(star))
    tick_until(session, lambda: session.job(good.id).state == "imported")
    assert "Red Star" in bpy.data.objects
    assert {job.id for job in session.jobs()} == {good.id, *(job.id for job in bad)}
    for job in bad:
        select(job.id)
        drawn = drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs)
        assert "cannot be read" in words(drawn)
        assert {"image_to_3d.open_folder", "image_to_3d.remove"} <= {name for name, _ in operators(drawn)}
        for name in ("retry", "use_settings", "import_result", "copy_task_id"):
            with pytest.raises(RuntimeError, match="cannot be read"):
                getattr(bpy.ops.image_to_3d, name)(job=job.id)
        assert bpy.ops.image_to_3d.remove(job=job.id) == {"FINISHED"}
    session.tick()
    assert [job.id for job in session.jobs()] == [good.id]


@once
def test_a_record_that_becomes_bad_while_its_job_waits_is_told_of_once(extension, make_job, session, change):
    bpy.context.preferences.system.use_online_access = False
    job, other = make_job("waiting", service="meshy"), make_job("waiting", service="meshy")
    session.tick()
    change(job, parameters=[1])
    said = [entry.sentence for _ in range(3) for entry in session.tick()]
    assert [sentence for sentence in said if "cannot be read" in sentence] == [
        f"{job.name}: {session.job(job.id).message}"
    ]
    assert (session.job(job.id).state, session.job(other.id).state) == ("failed", "waiting")


@once
def test_a_planted_picture_is_neither_shown_nor_used(extension, make_job, session):
    private = session.root().parent / "private.png"
    job = make_job("failed", parameters={"image_url": "../../private.png"})
    private.write_bytes(b"")
    try:
        session.tick()
        assert session.picture_of(session.job(job.id)) == ""
        with pytest.raises(RuntimeError, match="no file in that folder"):
            bpy.ops.image_to_3d.use_settings(job=job.id)
        assert "private" not in bpy.context.scene.image_to_3d.filepath
    finally:
        private.unlink()
