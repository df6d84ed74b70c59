# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody else has put into a job's folder under the names of our files: nothing is written through it, and
nobody waits for it."""

import os

import pytest
from once import once
from service.cube import cube_glb

from image_to_3d.api.errors import JobError
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history
from image_to_3d.jobs.folder import State
from image_to_3d.programs import process

pytestmark = [
    pytest.mark.timeout(30),
    pytest.mark.skipif(os.name == "nt", reason="no pipes, and links are for administrators only"),
    once,
]

KINDS = ("a link", "a link to nothing", "a pipe", "a folder")
NAMES = ("job.json.part", "log.txt", "cancel", "lock", "fetched.glb.part")


def plant(path, kind, victim):
    path.unlink(missing_ok=True)
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    else:
        path.symlink_to(victim)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_written_through_it_and_the_job_can_be_removed(jobs, stand_in, tmp_path, name, kind):
    victim = tmp_path / "letter.txt"
    if kind == "a link":
        victim.write_text("Dear Ada")
        victim.chmod(0o644)
    folder = jobs.create()
    plant(folder / name, kind, victim)
    try:
        jobs.finish(folder, blender=stand_in)
        history.cancel(folder)
        history.fail(folder, "It does not go on.")
    except (JobError, OSError) as error:
        assert str(error)
    if kind == "a link":
        assert victim.read_text() == "Dear Ada" and victim.stat().st_mode & 0o777 == 0o644
    assert victim.exists() is (kind == "a link")
    history.remove(folder.parent, folder.name)
    assert not folder.exists() and victim.exists() is (kind == "a link")


@pytest.mark.parametrize("kind", ["a link", "a pipe"])
def test_a_record_is_written_all_the_same(jobs, stand_in, tmp_path, kind):
    folder = jobs.create()
    plant(folder / "job.json.part", kind, tmp_path / "letter.txt")
    assert jobs.finish(folder, blender=stand_in).state is State.READY


def test_who_is_killed_takes_its_background_blender_along(jobs):
    folder = jobs.create(texture_model="pbr")
    started = jobs.start(folder)
    jobs.wait_until(lambda: folders.read(folder).state is State.RUNNING and workers(folder))
    process.kill(started)
    started.wait(30)
    jobs.wait_until(lambda: not workers(folder))


def workers(folder):
    """Process ids of the background Blenders that work in `folder`."""
    found = []
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                line = file.read()
        except OSError:
            continue
        if b"headless." in line and folder.name.encode() in line:
            found.append(int(entry))
    return found


MODEL_KINDS = ("a link", "a link to what never ends", "a pipe", "a folder")


@pytest.mark.parametrize("kind", MODEL_KINDS)
@pytest.mark.parametrize("name", ["result.glb", "fetched.glb"])
def test_in_the_place_of_a_model_it_is_never_opened(jobs, stand_in, tmp_path, name, kind):
    victim = tmp_path / "letter.txt" if kind == "a link" else "/dev/zero"
    (tmp_path / "letter.txt").write_text("Dear Ada")
    folder = jobs.create()
    plant(folder / name, kind, victim)
    job = jobs.finish(folder, blender=stand_in)
    assert job.state in (State.READY, State.FAILED) and job.message
    assert (tmp_path / "letter.txt").read_text() == "Dear Ada"


@pytest.mark.timeout(90)
@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_in_the_place_of_a_map_it_is_never_opened(jobs, tmp_path, kind):
    folder = jobs.create(texture_model="none")
    (folder / "result.glb").write_bytes(cube_glb())
    (tmp_path / "letter.txt").write_text("Dear Ada")
    plant(folder / "map-normal", kind, tmp_path / "letter.txt" if kind == "a link" else "/dev/zero")
    job = jobs.finish(folder)
    assert (job.state, "map" in job.note) == (State.READY, False)
