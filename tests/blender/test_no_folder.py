# SPDX-License-Identifier: GPL-3.0-or-later
"""A user folder in which nothing can be made: said once, nothing listed, nothing made, and above all nothing
deleted."""

import contextlib
import os
import sys

import bpy
import pytest
from layout import drawn_by, words

NOBODY = 65534  # a user who owns nothing, on Linux and macOS

SENTENCE = "The folder of the jobs cannot be made at"


@contextlib.contextmanager
def somebody_else(folder):
    """Be a user who can reach `folder`, and may write nowhere."""
    closed = {path: path.stat().st_mode for path in (folder, *folder.parents) if not path.stat().st_mode & 0o001}
    for path in closed:
        path.chmod(0o755)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        for path, mode in closed.items():
            path.chmod(mode)


@contextlib.contextmanager
def extensions_in(folder, session):
    """Blender's extensions, and what they keep, are in `folder` from its start."""
    with pytest.MonkeyPatch.context() as patch:  # one of its own, as what tidies the jobs away comes after it
        patch.setenv("BLENDER_USER_EXTENSIONS", str(folder))
        session.end()
        yield folder
    session.end()


@pytest.fixture
def here(tmp_path_factory, monkeypatch):
    """The working directory, full of what is dear to somebody."""
    folder = tmp_path_factory.mktemp("home")
    for name in ("Documents", ".new-thesis", ".removed-photos", "20260101-000000-000000-abcd"):
        (folder / name).mkdir()
        (folder / name / "dear.txt").write_text("dear")
        os.utime(folder / name, (0, 0))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def blocked(session, no_jobs, here, star, tmp_path):
    """A file lies where the folders have to be."""
    (tmp_path / ".user").write_text("")
    with extensions_in(tmp_path, session):
        yield tmp_path


@pytest.fixture
def read_only(session, no_jobs, here, star, tmp_path):
    """A folder that may not be written to: for root, one of somebody else's, as after one `sudo blender`."""
    (tmp_path / ".user").mkdir()
    if os.geteuid() == 0:
        with extensions_in(tmp_path, session), somebody_else(tmp_path):
            yield tmp_path
        return
    with extensions_in(tmp_path, session):
        (tmp_path / ".user").chmod(0o555)
        yield tmp_path
        (tmp_path / ".user").chmod(0o755)


@pytest.fixture(params=["blocked", "read_only"])
def unusable(request):
    if request.param == "read_only" and sys.platform == "win32":
        pytest.skip("Windows has other rights")
    return request.getfixturevalue(request.param)


def content(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_list_and_tick_stay_empty_and_it_is_said_once(extension, session, unusable, here, capfd):
    before = content(here)
    (said,) = session.tick()
    assert said.severity == "ERROR" and said.sentence.startswith(SENTENCE) and "write there" in said.sentence
    assert [session.tick() for _ in range(3)] == [[], [], []]
    assert session.jobs() == [] and not session.is_busy() and not session.is_behind()
    panel = extension.module("panels.jobs").IMAGE_TO_3D_PT_jobs
    assert words(drawn_by(panel)).startswith(SENTENCE)
    assert content(here) == before
    assert "Traceback" not in "".join(capfd.readouterr())


def test_no_job_is_made_in_the_working_directory(session, unusable, here, settings, star):
    before = content(here)
    with pytest.raises(RuntimeError, match=SENTENCE):
        bpy.ops.image_to_3d.generate(filepath=str(star))
    assert content(here) == before and content(unusable) == [".user"]


@pytest.mark.parametrize("operator", ["remove", "cancel", "retry", "import_result", "open_folder", "forget"])
@pytest.mark.parametrize("job", ["Documents", ".new-thesis", "20260101-000000-000000-abcd"])
def test_nothing_of_the_users_can_be_named_as_a_job(session, unusable, here, operator, job):
    before = content(here)
    session.tick()
    with pytest.raises(RuntimeError):
        getattr(bpy.ops.image_to_3d, operator)(job=job)
    assert content(here) == before


def test_removing_old_jobs_deletes_nothing(session, unusable, here):
    before = content(here)
    with pytest.raises(RuntimeError, match=SENTENCE):
        bpy.ops.image_to_3d.tidy_up(days=0)
    assert content(here) == before


def test_it_goes_on_when_the_folder_can_be_made(session, blocked):
    session.tick()
    (blocked / ".user").unlink()
    assert session.tick() == [] and session.trouble() == "" and session.was_read()
    assert session.root().is_relative_to(blocked)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can be somebody else")
def test_jobs_that_belong_to_somebody_else_are_listed_and_stop_nothing(session, make_job):
    """Those that an earlier version wrote can be read, and others not even that."""
    made = [make_job("imported"), make_job("running", service="local")]
    for job in made:
        (session.folder_of(job.id) / "job.json").chmod(0o644)
    make_job("running", service="local")
    with somebody_else(session.root()):
        said = [entry.sentence for _ in range(3) for entry in session.tick()]
        assert len(session.jobs()) == 3 and len(said) == 1 and "Permission denied" in said[0]
        newest, *_ = session.jobs()
        assert newest.state == "failed" and "Permission denied" in newest.message
