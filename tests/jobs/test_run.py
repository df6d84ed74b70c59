# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of a job, for real: it finishes, says how far it is, can be cancelled, killed, orphaned and resumed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from once import once
from thorough import IS_THOROUGH

from image_to_3d.api import glb
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history, pictures, run
from image_to_3d.jobs.folder import State
from image_to_3d.programs import process

PROGRAMS = Path(__file__).parents[1] / "programs"
STEP = 1 if IS_THOROUGH else 3  # from one moment that is struck to the next
NO_SUCH_MOMENT = 3  # the exit code of mortal.py where nothing was left to strike

STARTER = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from image_to_3d.jobs import worker
from image_to_3d.programs import process
started = worker.start(Path(sys.argv[2]), python=[sys.executable, "-I"], config={"blender": ""})
print(started.pid, flush=True)
time.sleep(600)
"""


def sculptors(folder):
    """Process ids of the background Blenders that work in `folder`."""
    found = subprocess.run(["pgrep", "-f", f"headless.*{folder.name}"], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def is_there(pid):
    """Whether a process runs; one that has ended and was not asked about yet is not there."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def sculpting(folder):
    """True once the sculptor has said something."""
    return folders.read(folder).state is State.RUNNING and folders.read(folder).progress > 0


def test_a_job_ends_ready_with_everything_blender_needs(jobs):
    folder = jobs.create(texture_model="baked")
    job = jobs.finish(folder)
    assert (job.state, job.progress) == (State.READY, 1.0), job.message
    glb.check(folder / "result.glb")
    assert (folder / "result.blend").stat().st_size > 10_000
    assert (folder / "thumbnail.png").read_bytes().startswith(b"\x89PNG")
    assert job.task_id and "faces" in job.note
    assert not list(folder.glob("tmp-*")) and not list(folder.glob("*.part"))


@pytest.mark.skipif(os.name == "nt", reason="Windows gives what the user's folder gives")
def test_how_long_a_model_took_is_kept_also_where_it_is_prepared_anew(jobs, stand_in):
    folder = jobs.create()
    began = time.monotonic()
    took_s = jobs.finish(folder, blender=stand_in).took_s
    assert 0 < took_s < time.monotonic() - began
    history.retry(folder)
    assert jobs.finish(folder, blender=stand_in).took_s == took_s


def test_of_a_job_that_was_interrupted_nobody_knows_how_long_it_takes(jobs, stand_in):
    folder = jobs.create()
    started = jobs.start(folder)
    jobs.wait_until(lambda: folders.read(folder).task_id)
    started.kill()
    started.wait()
    assert jobs.finish(folder, blender=stand_in).took_s == 0


def test_nothing_of_a_job_is_for_the_machines_other_users(jobs, generous):
    star = jobs.picture
    star.chmod(0o644)
    folder = jobs.create()
    started = jobs.start(folder)
    jobs.wait_until(lambda: sculpting(folder))
    working = open_to_others(jobs.root)
    started.wait()
    assert folders.read(folder).state is State.READY
    folders.ask_cancel(folder)
    assert {"lock", "log.txt", "result.glb", "result.blend", "thumbnail.png", "cancel"} <= set(os.listdir(folder))
    assert working == open_to_others(jobs.root) == []
    assert star.stat().st_mode & 0o777 == 0o644  # which is the user's own matter


@pytest.fixture
def generous():
    """A user who shares all new files with everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(root):
    """What in the folder of all jobs, itself among it, anybody but its owner may do anything with."""
    found = []
    for path in (root, *root.rglob("*")):
        with contextlib.suppress(FileNotFoundError):  # its process has just deleted it
            if path.lstat().st_mode & 0o077:
                found.append(str(path))
    return found


def test_progress_moves_while_the_work_goes_on(jobs):
    folder = jobs.create(resolution="high_poly", texture_model="pbr")
    started = jobs.start(folder)
    seen = []
    while process.is_alive(started):
        job = folders.read(folder)
        if not seen or seen[-1] != (job.progress, job.message):
            seen.append((job.progress, job.message))
        time.sleep(0.02)
    assert folders.read(folder).state is State.READY
    fractions = [progress for progress, _ in seen]
    assert fractions == sorted(fractions) and len(set(fractions)) >= 6
    assert len({message for _, message in seen}) >= 5


@pytest.mark.skipif(os.name == "nt", reason="there it is no number")
def test_what_takes_every_core_lets_the_users_blender_go_first_and_nothing_else_does(jobs):
    folder = jobs.create(resolution="high_poly", texture_model="pbr")
    started = jobs.start(folder)
    jobs.wait_until(lambda: sculpting(folder))
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    (sculptor,) = sculptors(folder)
    assert os.getpriority(os.PRIO_PROCESS, started.pid) == ours
    jobs.wait_until(lambda: os.getpriority(os.PRIO_PROCESS, sculptor) > ours)
    for pid in (started.pid, sculptor):
        assert os.getsid(pid) == os.getsid(0)  # between sessions, Linux gives equal shares whatever the priority
        assert os.getpgid(pid) != os.getpgid(0)  # Ctrl+C in the terminal is for Blender


def test_cancelling_ends_the_job_and_its_blender(jobs):
    folder = jobs.create(resolution="high_poly", texture_model="pbr")
    started = jobs.start(folder)
    jobs.wait_until(lambda: sculpting(folder))
    history.cancel(folder)
    jobs.wait_until(lambda: not process.is_alive(started))
    assert folders.read(folder).state is State.CANCELLED
    assert sculptors(folder) == []


def test_a_job_that_waits_is_cancelled_without_a_process(jobs):
    folder = jobs.create()
    history.cancel(folder)
    assert folders.read(folder).state is State.CANCELLED
    assert jobs.finish(folder).state is State.CANCELLED


def test_a_cancelled_job_can_be_tried_again(jobs, stand_in):
    folder = jobs.create()
    history.cancel(folder)
    history.retry(folder)
    assert jobs.finish(folder, blender=stand_in).state is State.READY


def test_when_blender_closes_the_process_ends_and_the_next_start_finishes_the_job(jobs):
    folder = jobs.create(resolution="high_poly", texture_model="pbr")
    started = jobs.start(folder)
    jobs.wait_until(lambda: sculpting(folder))
    process.stop(started)
    jobs.wait_until(lambda: not process.is_alive(started) and not sculptors(folder))
    assert folders.read(folder).state is State.RUNNING
    assert jobs.finish(folder).state is State.READY


def test_when_blender_is_killed_the_process_ends_too(jobs):
    folder = jobs.create(resolution="high_poly", texture_model="pbr")
    search = str(Path(os.environ["BLENDER_USER_RESOURCES"]) / "extensions" / "user_default")
    starter = subprocess.Popen([sys.executable, "-c", STARTER, search, str(folder)], stdout=subprocess.PIPE)
    worker = int(starter.stdout.readline())
    jobs.wait_until(lambda: sculpting(folder))
    starter.kill()
    starter.wait()
    starter.stdout.close()
    jobs.wait_until(lambda: not is_there(worker) and not sculptors(folder))
    assert folders.read(folder).state in folders.UNFINISHED


def test_only_one_of_two_processes_works_on_a_job(jobs):
    folder = jobs.create()
    first, second = jobs.start(folder), jobs.start(folder)
    first.wait(60)
    second.wait(60)
    assert folders.read(folder).state is State.READY
    assert (folder / "log.txt").read_text().count("Finished glTF 2.0 export") == 1


def test_a_picture_that_is_none_fails_with_a_sentence_and_can_be_removed(jobs, tmp_path):
    (tmp_path / "text.png").write_text("this is no picture")
    folder = jobs.create(image_url=str(tmp_path / "text.png"))
    job = jobs.finish(folder)
    assert job.state is State.FAILED
    assert job.message.endswith(".") and "Traceback" not in job.message
    history.remove(folder.parent, folder.name)
    assert not folder.exists()


def test_an_address_is_fetched_and_remembered_by_what_it_held(jobs, web, star):
    url = web.serve("/star.png", star.read_bytes(), "image/png")
    folder = jobs.create(image_url=url)
    assert folders.read(folder).picture_sha256 == ""
    job = jobs.finish(folder)
    assert job.state is State.READY, job.message
    assert job.parameters["image_url"] == url
    assert job.picture_sha256 == pictures.sha256_of(star)


def test_an_address_without_a_picture_fails_with_a_sentence(jobs, web):
    job = jobs.finish(jobs.create(image_url=web.address("/gone.png")))
    assert (job.state, job.message) == (
        State.FAILED,
        "The picture's address answered 404 Not Found: check the URL.",
    )


def test_a_blender_that_crashes_is_told_apart_and_the_model_is_kept(jobs, stand_in, tmp_path):
    folder = jobs.create()
    script = tmp_path / "crashing"
    script.write_text(f'#!/bin/sh\ncase "$*" in *headless.convert*) kill -SEGV $$;; esac\nexec "{stand_in}" "$@"\n')
    script.chmod(0o755)
    job = jobs.finish(folder, blender=str(script))
    assert job.state is State.FAILED and "stopped unexpectedly (exit code -11)" in job.message
    history.retry(folder)
    sculpted = (folder / "result.glb").stat().st_mtime_ns
    assert jobs.finish(folder, blender=stand_in).state is State.READY
    assert (folder / "result.glb").stat().st_mtime_ns == sculpted


def run_with_fault(jobs, folder, fault, moment, stand_in):
    """Run the job's process with the fault at `moment`; return its exit code."""
    started = jobs.start(folder, blender=stand_in, python=[str(PROGRAMS / "mortal.py"), fault, str(moment)])
    code = started.wait(60)
    process.stop(started)
    return code


@once
def test_killed_at_every_single_moment_the_job_still_finishes(jobs, stand_in):
    """Each write, rename, removal and start of a program is one moment; a stand-in for Blender makes them quick."""
    for moment in range(0, 500, STEP):
        folder = jobs.create()
        code = run_with_fault(jobs, folder, "kill", moment, stand_in)
        assert code in (NO_SUCH_MOMENT, -signal.SIGKILL), (folder / "log.txt").read_text()
        job = folders.read(folder)
        assert job.state in (folders.UNFINISHED | {State.READY}), f"moment {moment}: {job.message}"
        job = jobs.finish(folder, blender=stand_in)
        assert job.state is State.READY, f"moment {moment}: {job.message}"
        assert "Made by a stand-in. 1 face." in job.note, f"moment {moment}"
        history.remove(folder.parent, folder.name)
        if code == NO_SUCH_MOMENT:
            break
    assert code == NO_SUCH_MOMENT and moment > 20


@once
@pytest.mark.parametrize("fault", ["full", "full-once"])
def test_with_a_disk_full_at_any_moment_the_job_says_so_or_goes_on_later(jobs, stand_in, fault):
    said = 0
    for moment in range(0, 500, STEP):
        folder = jobs.create()
        code = run_with_fault(jobs, folder, fault, moment, stand_in)
        job = folders.read(folder)
        if code == NO_SUCH_MOMENT:
            break
        if job.state is State.FAILED:
            said += 1
            assert job.message.startswith("The disk is full"), f"moment {moment}: {job.message}"
            history.retry(folder)
        job = jobs.finish(folder, blender=stand_in)
        assert job.state is State.READY, f"moment {moment}: {job.message}"
        history.remove(folder.parent, folder.name)
    assert code == NO_SUCH_MOMENT and moment > 10
    assert said > 0 or fault == "full"  # on a disk that stays full, not even this can be written down


@once
@pytest.mark.parametrize("state", [State.RUNNING, State.CONVERTING])
@pytest.mark.parametrize("delay_s", [0.0, 0.7])
def test_killed_while_a_real_blender_works_the_job_still_finishes(jobs, state, delay_s):
    folder = jobs.create(texture_model="pbr")
    started = jobs.start(folder)
    jobs.wait_until(lambda: folders.read(folder).state is state)
    time.sleep(delay_s)
    started.kill()
    started.wait()
    assert folders.read(folder).state in (folders.UNFINISHED | {State.READY})
    job = jobs.finish(folder)
    assert job.state is State.READY, job.message
    glb.check(folder / "result.glb")


# The thumbnail, which comes after the model


@pytest.fixture
def drawing(jobs, tmp_path, stand_in_that):
    """A job that is ready, and whose thumbnail a stand-in for Blender draws as soon as the third is written: its
    folder, its process, and that file."""
    go_on = tmp_path / "go on"
    folder = jobs.create()
    started = jobs.start(folder, blender=stand_in_that("--draws-with", go_on))
    jobs.wait_until(lambda: folders.read(folder).state is State.READY and not folders.is_locked(folder))
    return folder, started, go_on


def end(jobs, started):
    jobs.wait_until(lambda: not process.is_alive(started))
    process.stop(started)


def leftovers(folder):
    return [file.name for file in folder.iterdir() if file.name.startswith("tmp-")]


def test_a_job_is_ready_and_free_before_its_thumbnail_is_drawn(jobs, drawing):
    folder, started, go_on = drawing
    assert process.is_alive(started) and not (folder / "thumbnail.png").exists()
    with folders.lock(folder):  # as whoever imports it
        job = folders.read(folder)
        job.state = State.IMPORTED
        folders.write(folder, job)
    go_on.write_text("")
    end(jobs, started)
    assert (folder / "thumbnail.png").read_bytes().endswith(b"drawn")
    assert folders.read(folder).state is State.IMPORTED and leftovers(folder) == []


def test_a_thumbnail_that_cannot_be_drawn_fails_nothing(jobs, drawing):
    folder, started, go_on = drawing
    go_on.write_text("crash")
    end(jobs, started)
    job = folders.read(folder)
    assert (job.state, job.undrawn) == (State.READY, False)
    assert not (folder / "thumbnail.png").exists() and leftovers(folder) == []


@pytest.mark.parametrize("what", ["a bomb", "a link"])
def test_a_thumbnail_that_is_none_of_ours_never_reaches_the_users_blender(jobs, stand_in_that, star, tmp_path, what):
    arguments = ["--side", 16_384] if what == "a bomb" else ["--links-to", star]
    folder = jobs.create()
    job = jobs.finish(folder, blender=stand_in_that(*arguments))
    assert job.state is State.READY
    assert not os.path.lexists(folder / "thumbnail.png") and leftovers(folder) == []


@pytest.mark.parametrize(
    "bounds", ["[[NaN, 0, 0], [1, 1, 1]]", "[[1, 1, 1], [0, 0, 0]]", '"all"', "[[0, 0, -1e999], [1, 1, 1]]"]
)
def test_what_a_program_says_of_a_model_never_makes_the_record_unreadable(jobs, stand_in_that, bounds):
    folder = jobs.create()
    job = jobs.finish(folder, blender=stand_in_that("--bounds", bounds.replace('"', "'")))
    assert (job.state, job.bounds) == (State.READY, ())


def test_a_job_that_is_tried_again_meanwhile_gets_nothing_of_what_was_drawn(jobs, drawing, stand_in):
    folder, started, go_on = drawing
    history.retry(folder)
    go_on.write_text("")
    end(jobs, started)
    assert folders.read(folder).state is State.WAITING
    assert not (folder / "thumbnail.png").exists() and not (folder / "result.blend").exists()
    assert jobs.finish(folder, blender=stand_in).state is State.READY
    assert (folder / "thumbnail.png").exists() and leftovers(folder) == []


@pytest.mark.parametrize("is_real", [False, True], ids=["stand-in", "Blender"])
def test_a_job_that_is_removed_meanwhile_is_gone(jobs, drawing, is_real):
    folder, started, _ = drawing
    if is_real:
        process.kill(started)
        history.remove(folder.parent, folder.name)
        folder = jobs.create(texture_model="pbr")
        started = jobs.start(folder)
        jobs.wait_until(lambda: folders.read(folder).state is State.READY and not folders.is_locked(folder))
    history.remove(folder.parent, folder.name)
    end(jobs, started)
    assert started.returncode == 0
    history.sweep(folder.parent, 60.0)  # what the program wrote while the folder was being deleted
    assert [entry for entry in folder.parent.iterdir() if entry.is_dir()] == [] and sculptors(folder) == []


@once
@pytest.mark.parametrize("is_real", [False, True], ids=["stand-in", "Blender"])
def test_what_is_not_drawn_when_blender_closes_is_drawn_at_the_next_start(jobs, drawing, stand_in, is_real):
    folder, started, _ = drawing
    if is_real:  # the stand-in's model is none
        process.stop(started)
        started.wait(60)
        folder = jobs.create()
        started = jobs.start(folder)
        jobs.wait_until(lambda: folders.read(folder).state is State.READY)
    process.stop(started)
    started.wait(60)
    job = folders.read(folder)
    assert (job.state, job.undrawn) == (State.READY, True)
    assert not (folder / "thumbnail.png").exists() and sculptors(folder) == []
    first = (folder / "result.blend").read_bytes()
    job = jobs.finish(folder, blender="" if is_real else stand_in)
    assert (job.state, job.undrawn) == (State.READY, False)
    drawn = (folder / "thumbnail.png").read_bytes()
    assert drawn.startswith(b"\x89PNG") and drawn.endswith(b"drawn after all") != is_real
    assert ((folder / "result.blend").read_bytes() != first) == is_real  # it has its picture in the Asset Browser
    assert leftovers(folder) == []


def test_what_cannot_be_drawn_at_the_next_start_either_is_let_be(jobs, drawing, tmp_path):
    folder, started, _ = drawing
    process.stop(started)
    started.wait(60)
    job = jobs.finish(folder, blender=str(tmp_path / "no such Blender"))
    assert (job.state, job.undrawn) == (State.READY, False)


# The Blender that waits for the model


def test_the_blender_that_converts_waits_before_there_is_a_model_and_one_that_dies_is_started_anew(
    jobs, stand_in_that, tmp_path
):
    folder, go_on = jobs.create(), tmp_path / "go on"
    started = jobs.start(folder, blender=stand_in_that("--stuck", go_on))
    jobs.wait_until(lambda: len(sculptors(folder)) == 2)  # one sculpts, and one waits
    assert not (folder / "result.glb").exists()
    (waiting,) = [pid for pid in sculptors(folder) if b"headless.convert" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(waiting, signal.SIGKILL)
    jobs.wait_until(lambda: not is_there(waiting))
    go_on.write_text("")
    end(jobs, started)
    assert folders.read(folder).state is State.READY


@pytest.mark.parametrize("how", ["cancelled", "Blender closes", "killed"])
def test_one_that_waits_ends_with_its_job(jobs, stand_in_that, tmp_path, how):
    folder = jobs.create()
    started = jobs.start(folder, blender=stand_in_that("--stuck", tmp_path / "never"))
    jobs.wait_until(lambda: len(sculptors(folder)) == 2)  # one sculpts, and one waits
    if how == "cancelled":
        history.cancel(folder)
    elif how == "Blender closes":
        process.stop(started)
    else:
        process.kill(started)
    jobs.wait_until(lambda: not process.is_alive(started))
    jobs.wait_until(lambda: not any(map(is_there, sculptors(folder))))
    assert folders.read(folder).state is (State.CANCELLED if how == "cancelled" else State.RUNNING)


@pytest.mark.timeout(20)
def test_what_is_logged_is_bounded_and_no_command_to_a_terminal(capsys):
    key = "msy_Qx7Secret0000"
    config = {"connection": {"key": key, "network": {"proxy": "http://me:pass@proxy:3128"}}}
    body = f"http://http:// {key} data: " * 200_000
    run.log(f"Traceback\n\x1b[31mbegin\ud83d {body}\n  end via http://me:pass@proxy:3128", config)
    said = capsys.readouterr().err
    assert "Traceback\nbegin http" in said and said.endswith("\n  end via <hidden>\n") and "are left out]" in said
    assert len(said) < 150_000 and key not in said and "pass@" not in said


@once
@pytest.mark.parametrize("is_there", [True, False], ids=["fetched", "not to be reached"])
def test_what_gives_access_to_a_picture_is_in_no_log(jobs, web, is_there):
    path = "/fox.png?Signature=SECRET&other=QUERY"
    url = web.serve(path, jobs.picture.read_bytes(), "image/png") if is_there else f"http://127.0.0.1:1{path}"
    folder = jobs.create(image_url=url.replace("//", "//me:PASSWORD@") + "#FRAGMENT")
    job = jobs.finish(folder)
    assert job.state is (State.READY if is_there else State.FAILED)
    told = [file.read_text(errors="replace") for file in folder.iterdir() if file.suffix in (".txt", ".jsonl", ".json")]
    record = folder / "job.json"
    assert len(told) >= 2 and "PASSWORD" in record.read_text(), "the job needs it"
    said = "".join(text for text in told if text != record.read_text()) + job.message + job.note + job.name
    assert not any(secret in said for secret in ("PASSWORD", "SECRET", "QUERY", "FRAGMENT"))
