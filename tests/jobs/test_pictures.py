# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a job: noted when Generate is pressed, made the job's own before anything is sent, and the user's file
left alone."""

import base64
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from once import once

from image_to_3d.api.errors import JobError, PictureError
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history, pictures
from image_to_3d.jobs.folder import State

pytestmark = once

PROGRAMS = Path(__file__).parents[1] / "programs"
ELSEWHERE = Path("/dev/shm")  # another file system than that of temporary files, where Linux has it
CHANGED = "has changed since Generate was pressed: press Generate again."

needs_elsewhere = pytest.mark.skipif(not ELSEWHERE.is_dir(), reason="there is no other file system")


@pytest.fixture
def chosen(tmp_path, star):
    """A picture of the user's, that everybody may read."""
    path = tmp_path / "My Star.PNG"
    shutil.copyfile(star, path)
    path.chmod(0o644)
    return path


@pytest.fixture
def far(star, request):
    """The same on another file system, where no name in a job's folder can lead to it."""
    path = ELSEWHERE / f"image_to_3d_{os.getpid()}_{time.monotonic_ns()}.png"
    shutil.copyfile(star, path)
    yield path
    path.unlink(missing_ok=True)


def as_it_was(path):
    found = path.stat()
    return path.read_bytes(), found.st_mode, found.st_mtime_ns


def replace(path, content):
    """Save as many programs do: a new file takes the old one's name."""
    new = path.with_name("saved anew")
    new.write_bytes(content)
    new.replace(path)


def check_own(folder, star):
    job = folders.read(folder)
    own = folder / job.parameters["image_url"]
    assert own.read_bytes() == star.read_bytes() and own.stat().st_nlink == 1
    assert own.stat().st_mode & 0o777 == 0o600
    assert (job.pictures, job.picture_sha256) == ({}, pictures.sha256_of(star))
    assert not list(folder.glob("*.part"))


def test_pressing_generate_copies_no_picture_and_its_process_does(jobs, stand_in, chosen, star):
    before = as_it_was(chosen)
    folder = jobs.create(image_url=str(chosen))
    assert (folder / "picture.png").samefile(chosen)
    assert jobs.finish(folder, blender=stand_in).state is State.READY
    check_own(folder, star)
    assert as_it_was(chosen) == before and chosen.stat().st_nlink == 1


@needs_elsewhere
def test_a_picture_that_cannot_be_linked_is_copied_by_the_process(jobs, stand_in, far, star):
    before = as_it_was(far)
    folder = jobs.create(image_url=str(far))
    assert not (folder / "picture.png").exists()
    assert folders.request_of(folder, folders.read(folder))["image_url"] == str(far)
    assert jobs.finish(folder, blender=stand_in).state is State.READY
    check_own(folder, star)
    assert as_it_was(far) == before


def test_a_link_to_a_picture_is_followed_when_it_is_chosen(jobs, stand_in, chosen, star, tmp_path):
    (tmp_path / "link.png").symlink_to(chosen)
    folder = jobs.create(image_url=str(tmp_path / "link.png"))
    assert jobs.finish(folder, blender=stand_in).state is State.READY
    check_own(folder, star)


@pytest.mark.parametrize("where", ["chosen", pytest.param("far", marks=needs_elsewhere)])
def test_a_picture_that_was_painted_over_meanwhile_is_not_sent(jobs, stand_in, request, where):
    """The same file with another content: which of both the user wants is theirs to say."""
    path = request.getfixturevalue(where)
    folder = jobs.create(image_url=str(path))
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    for _ in range(2):
        job = jobs.finish(folder, blender=stand_in)
        assert (job.state, job.message) == (State.FAILED, f"{path.name} {CHANGED}")
        assert not job.task_id and not (folder / "result.glb").exists()
        history.retry(folder)
    history.remove(jobs.root, folder.name)
    assert path.read_bytes().endswith(b"!")


@pytest.mark.parametrize(
    "change", [lambda file: file.write(b"!"), lambda file: file.truncate(10)], ids=["more", "less"]
)
def test_a_picture_that_changes_while_it_is_copied_is_not_sent(jobs, chosen, change):
    folder = jobs.create(image_url=str(chosen))
    note = folders.read(folder).pictures["image_url"]

    def meanwhile():
        with chosen.open("r+b") as file:
            change(file)

    with pytest.raises(PictureError, match="has changed since Generate was pressed"):
        pictures.make_own(folder, "picture.png", note, meanwhile)
    assert sorted(entry.name for entry in folder.iterdir()) == ["job.json", "lock", "picture.png"]


def test_a_picture_that_was_saved_under_its_old_name_stays_the_one_that_was_chosen(jobs, stand_in, chosen, star):
    folder = jobs.create(image_url=str(chosen))
    replace(chosen, b"another one")
    assert jobs.finish(folder, blender=stand_in).state is State.READY
    check_own(folder, star)
    assert chosen.read_bytes() == b"another one"


@needs_elsewhere
@pytest.mark.parametrize(
    "change", [lambda path: replace(path, path.read_bytes()), Path.unlink], ids=["saved", "deleted"]
)
def test_a_picture_that_is_gone_before_it_was_copied_is_missed_in_a_sentence(jobs, stand_in, far, change):
    folder = jobs.create(image_url=str(far))
    change(far)
    job = jobs.finish(folder, blender=stand_in)
    assert job.state is State.FAILED and (CHANGED in job.message or "There is no picture at" in job.message)


def test_where_a_picture_was_is_kept_for_as_long_as_the_job(jobs, stand_in, chosen):
    folder = jobs.create(image_url=str(chosen))
    assert folders.read(folder).origins == {"image_url": str(chosen)}
    assert jobs.finish(folder, blender=stand_in).origins == {"image_url": str(chosen)}


def test_a_picture_that_was_made_for_the_job_was_nowhere(jobs, tmp_path, star):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    values = {"image_url": str(shutil.copyfile(star, scratch / "image.png"))}
    folder = folders.create(jobs.root, service="local", parameters=values, name="Star", scratch=scratch)
    assert folders.read(folder).origins == {}


def test_a_picture_in_a_folder_that_goes_away_is_moved(jobs, stand_in, tmp_path, star):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    given = shutil.copyfile(star, scratch / "image.png")
    given.chmod(0o644)
    values = {"image_url": str(given)}
    folder = folders.create(jobs.root, service="local", parameters=values, name="Star", scratch=scratch)
    shutil.rmtree(scratch)
    assert (folder / "picture.png").stat().st_mode & 0o777 == 0o600
    assert jobs.finish(folder, blender=stand_in).state is State.READY
    check_own(folder, star)


@needs_elsewhere
def test_a_picture_in_a_folder_that_goes_away_is_copied_where_it_cannot_be_moved(jobs, stand_in, far, star):
    values = {"image_url": str(far)}
    folder = folders.create(jobs.root, service="local", parameters=values, name="Star", scratch=far.parent)
    assert not far.exists()
    assert jobs.finish(folder, blender=stand_in).state is State.READY
    check_own(folder, star)


def test_a_picture_in_the_parameters_themselves_is_written_down_at_once(jobs, stand_in, star):
    uri = f"data:image/png;base64,{base64.b64encode(star.read_bytes()).decode()}"
    folder = jobs.create(image_url=uri)
    assert (folder / "picture.png").read_bytes() == star.read_bytes()
    assert uri[30:] not in (folder / "job.json").read_text()
    assert jobs.finish(folder, blender=stand_in).state is State.READY
    check_own(folder, star)


@pytest.mark.parametrize("where", ["chosen", pytest.param("far", marks=needs_elsewhere)])
def test_a_process_that_is_killed_at_any_moment_leaves_the_users_file_alone(jobs, stand_in, star, request, where):
    path = request.getfixturevalue(where)
    before = as_it_was(path)
    for moment in range(100):
        folder = jobs.create(image_url=str(path))
        started = jobs.start(folder, blender=stand_in, python=[str(PROGRAMS / "mortal.py"), "kill", str(moment)])
        code = started.wait(60)
        assert as_it_was(path) == before
        is_over = not folders.read(folder).pictures
        assert jobs.finish(folder, blender=stand_in).state is State.READY
        assert as_it_was(path) == before
        check_own(folder, star)
        history.remove(jobs.root, folder.name)
        assert code == -signal.SIGKILL
        if is_over:
            break
    assert is_over and moment > 3


def test_a_job_is_cancelled_before_its_picture_was_copied(jobs, stand_in, chosen):
    folder = jobs.create(image_url=str(chosen))
    folders.ask_cancel(folder)
    assert jobs.finish(folder, blender=stand_in).state is State.CANCELLED
    assert (folder / "picture.png").samefile(chosen)


def test_removing_a_job_leaves_the_users_file(jobs, chosen, star):
    before = as_it_was(chosen)
    history.remove(jobs.root, jobs.create(image_url=str(chosen)).name)
    assert as_it_was(chosen) == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a file that its user may not read")
def test_a_picture_that_may_not_be_read_is_refused_at_once(jobs, chosen):
    chosen.chmod(0)
    with pytest.raises(PictureError, match="may not be read"):
        jobs.create(image_url=str(chosen))


def test_a_folder_and_what_is_too_large_are_refused_at_once(jobs, tmp_path):
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(513 << 20)
    with pytest.raises(PictureError, match="is larger than 512 MB"):
        jobs.create(image_url=str(tmp_path / "huge.png"))
    with pytest.raises(PictureError, match="There is no picture"):
        jobs.create(image_url=str(tmp_path))
    assert list(jobs.root.iterdir()) == []


def test_an_ending_that_is_none_of_a_picture_is_left_out(jobs, chosen):
    odd = chosen.rename(chosen.with_name("fox. back:*?%00"))
    odd.write_bytes(b"whatever this is")
    assert folders.read(jobs.create(image_url=str(odd))).parameters["image_url"] == "picture"


@pytest.mark.parametrize("name", ["photo", "photo.picture", "fox. back:*?%00"])
def test_the_copy_of_a_picture_without_an_ending_has_that_of_its_content(jobs, stand_in, chosen, star, name):
    odd = chosen.rename(chosen.with_name(name))
    folder = jobs.create(image_url=str(odd))
    assert folders.read(folder).parameters["image_url"] == "picture.png"
    assert jobs.finish(folder, blender=stand_in).state is State.READY
    check_own(folder, star)


@pytest.mark.parametrize("form", ['"{}"', " {}\n", "file://{}", "FILE://localhost{}"])
def test_a_job_finds_its_picture_however_the_path_was_pasted(jobs, chosen, form):
    path = chosen.rename(chosen.with_name("star.png"))
    folder = jobs.create(image_url=form.format(path))
    assert (folder / "picture.png").samefile(path)
    assert folders.read(folder).origins == {"image_url": str(path)}


@pytest.mark.parametrize("where", ["chosen", pytest.param("far", marks=needs_elsewhere)])
def test_a_paid_job_is_found_again_before_its_picture_was_copied(jobs, request, where, tmp_path):
    path = request.getfixturevalue(where)
    table = folders.SERVICES["meshy"].parameters
    asked = {entry.name: entry.default for entry in table} | {"image_url": str(path)}
    folder = folders.create(jobs.root, service="meshy", parameters=asked, name="Star")
    assert history.find_paid(jobs.root, "meshy", asked, tmp_path).id == folder.name
    path.write_bytes(path.read_bytes())  # the same, but who would know: that job would fail
    os.utime(path, (0, 0))
    assert history.find_paid(jobs.root, "meshy", asked, tmp_path) is None


def noted(folder, **fields):
    """Change the note of the main picture."""
    record = json.loads((folder / "job.json").read_text())
    record["pictures"]["image_url"].update(fields)
    (folder / "job.json").write_text(json.dumps(record))


@pytest.mark.parametrize("fields", [{"size": 5}, {"mtime_ns": 0}])
def test_a_planted_note_leads_to_no_file_that_was_not_chosen(jobs, stand_in, tmp_path, star, fields):
    private = tmp_path / "private.png"
    shutil.copyfile(star, private)
    found = private.stat()
    folder = jobs.create()
    (folder / "picture.png").unlink()
    true = {"size": found.st_size, "mtime_ns": found.st_mtime_ns}
    noted(folder, **{"path": str(private), "is_linked": False, **true, **fields})
    with pytest.raises(PictureError):
        folders.request_of(folder, folders.read(folder))
    job = jobs.finish(folder, blender=stand_in)
    assert job.state is State.FAILED and not (folder / "picture.png").exists()


@pytest.mark.parametrize("kind", ["a link", "a folder", "a pipe"])
def test_what_was_planted_in_the_place_of_the_picture_is_not_copied(jobs, stand_in, chosen, kind):
    folder = jobs.create(image_url=str(chosen))
    planted = folder / "picture.png"
    planted.unlink()
    if kind == "a link":
        planted.symlink_to(chosen)
    elif kind == "a pipe":
        os.mkfifo(planted)
    else:
        planted.mkdir()
    with pytest.raises(JobError, match="no file in that folder"):
        folders.request_of(folder, folders.read(folder))
    assert jobs.finish(folder, blender=stand_in).state is State.FAILED


def test_further_pictures_are_the_jobs_own(jobs, stand_in, chosen, web, star):
    address = web.serve("/behind.png", star.read_bytes(), "image/png")
    folder = jobs.create(image_url=str(chosen), back_image_url=address, left_image_url=str(star))
    job = jobs.finish(folder, blender=stand_in)
    assert job.state is State.READY, job.message
    assert job.parameters["back_image_url"] == address
    assert (folder / job.parameters["left_image_url"]).read_bytes() == star.read_bytes()
    own = {job.parameters["image_url"], "picture1.png", job.parameters["left_image_url"]}
    assert {path.name for path in folder.iterdir() if path.suffix == ".png"} == {*own, "thumbnail.png"}
    assert (folder / "picture1.png").read_bytes() == star.read_bytes()
    assert job.origins == {"image_url": str(chosen), "left_image_url": str(star)}


def test_a_further_picture_that_changes_before_it_was_copied_is_missed_in_a_sentence(jobs, stand_in, chosen, tmp_path):
    back = shutil.copyfile(chosen, tmp_path / "behind.png")
    folder = jobs.create(image_url=str(chosen), back_image_url=str(back))
    back.write_bytes(back.read_bytes() + b"more")
    job = jobs.finish(folder, blender=stand_in)
    assert job.state is State.FAILED and job.message.startswith("behind.png has changed since Generate was pressed")


def test_an_address_that_leads_nowhere_says_of_which_picture_it_is(jobs, stand_in, chosen, web):
    job = jobs.finish(jobs.create(image_url=str(chosen), right_image_url=web.address("/gone.png")), blender=stand_in)
    assert job.state is State.FAILED
    assert job.message.startswith("The picture of the right: The picture's address answered 404")
