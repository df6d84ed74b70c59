# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script inside Blender uses: it asks for models, waits for them, and has them in its hands; several go on side by
side, and nothing is paid twice."""

import logging
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import bpy
import addon_utils
import pytest
from once import once
from ticking import tick_until

pytestmark = pytest.mark.usefixtures("quick_models")

PATIENCE_S = 30  # against a hang; nothing is measured with it


@pytest.fixture
def scripting(extension):
    return extension.module("scripting")


@pytest.fixture
def pictures(star, tmp_path):
    """Several different pictures."""
    made = []
    for number in range(3):
        path = tmp_path / f"Star {number}.png"
        path.write_bytes(star.read_bytes() + bytes(number + 1))
        made.append(path)
    return made


def soon(condition, do):
    """Do something as soon as something else is so, while the script waits."""

    def wait():
        until = time.monotonic() + PATIENCE_S
        while not condition() and time.monotonic() < until:
            time.sleep(0.02)
        do()

    threading.Thread(target=wait, daemon=True).start()


def finish_all(stand_in, number):
    """Let the tasks finish as soon as there are so many."""
    soon(
        lambda: len(stand_in.creates) >= number, lambda: [stand_in.finish(create.id) for create in [*stand_in.creates]]
    )


# One model


def test_a_script_has_the_model_that_it_asked_for(scripting, session, star, no_jobs):
    bpy.context.scene.image_to_3d.collection = bpy.data.collections.new("Of the Panel")
    bpy.context.scene.image_to_3d.location = "ORIGIN"
    job = scripting.generate(star, location=(1, 2, 3), collection="Props", name="Fox")
    assert job.state in scripting.State and not job.has_ended and job.objects == [] and job.collection is None
    told = []
    assert job.wait(on_progress=lambda job: told.append(job.progress)) is job
    assert job.state == "imported" and job.error is None and job.progress == 1.0 and told == sorted(told)
    (root,) = job.objects
    assert root.name == job.name == "Fox" and list(root.location) == [1, 2, 3]
    assert list(bpy.data.collections["Props"].children) == [job.collection]
    assert bpy.context.scene.collection.children["Props"] and root in list(job.collection.objects)
    assert job.glb_path.is_file() and job.blend_path.is_file() and job.service == "local"
    assert job.wait() is job and len(job.objects) == 1, "it is there already"


def test_a_model_is_added_once_more(scripting, star, no_jobs):
    job = scripting.generate(str(star)).wait()
    other = bpy.data.scenes.new("Other")
    added = job.import_(other, location=(0, 0, 5), collection="Copies")
    assert [obj.name for obj in added] == [job.objects[1].name] and list(added[0].location) == [0, 0, 5]
    assert [entry.name for entry in other.collection.children] == ["Copies"]
    assert (
        scripting.jobs() == [job] == scripting.jobs("imported") == scripting.jobs(["Ready", scripting.State.IMPORTED])
    )
    assert scripting.jobs("failed") == [] and scripting.job(job.id) == job
    job.retry()
    assert job.wait().state == "imported" and len(job.objects) == 3


@once
def test_this_scenes_settings_do_not_count(scripting, session, settings, star, no_jobs):
    initial = {name: bpy.data.scenes.new("New").image_to_3d.local.bl_rna.properties[name] for name in ("resolution",)}
    settings.service, settings.variants = "LOCAL", 3
    settings.local.resolution, settings.local.texture_model = "LOW_POLY", "NONE"
    job = scripting.generate(star, None)
    assert job.service == "local" and job.parameters["resolution"] == initial["resolution"].default.lower()
    assert job.parameters["texture_model"] != "none" and len(scripting.jobs()) == 1
    assert scripting.generate(star, parameters={"resolution": "low_poly"}).parameters["resolution"] == "low_poly"


@once
def test_images_are_pictures(scripting, session, star, no_jobs):
    image = bpy.data.images.load(str(star))
    job = scripting.generate(image, parameters={"back_image_url": image, "right_image_url": star})
    assert job.name == "Red Star" and job.record.images == {"back_image_url": image.name}
    assert {"image_url", "back_image_url", "right_image_url"} <= {
        name for name, value in job.parameters.items() if value
    }
    assert job.wait().objects


@once
@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        ({"parameters": {"resolutoin": "low_poly"}}, "ParameterError", "of Local: did you mean 'resolution'?"),
        ({"parameters": {"colour": 1}}, "ParameterError", "no parameter 'colour' of Local: use one of .*resolution"),
        ({"parameters": {"resolution": "huge"}}, "ParameterError", "use one of low_poly, high_poly"),
        ({"parameters": {"image_url": "x"}}, "ParameterError", "give it as the first argument"),
        ({"parameters": "resolution"}, "ParameterError", "use a dict"),
        ({"service": "mashy"}, "ParameterError", "did you mean 'meshy'?"),
        ({"service": "meshy"}, "NoKeyError", "needs an API key"),
        ({"location": (0, 1)}, "ParameterError", "three finite numbers"),
        ({"location": (0, 1, float("nan"))}, "ParameterError", "three finite numbers"),
        ({"collection": 3}, "ParameterError", "collection cannot be 3"),
        ({"scene": "Nowhere"}, "ParameterError", "no scene 'Nowhere'"),
        ({"name": " "}, "ParameterError", "name cannot be ' '"),
        ({"picture": "Nothing.png"}, "PictureError", "There is no picture at .*Nothing.png"),
        ({"picture": ""}, "ParameterError", "There is no picture"),
        ({"picture": 7}, "PictureError", "cannot be 7"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(scripting, star, no_jobs, arguments, kind, sentence):
    with pytest.raises(getattr(scripting.errors, kind), match=sentence):
        scripting.generate(**{"picture": star, "collection": "Props", **arguments})
    assert scripting.jobs() == [] and not bpy.data.collections


@once
def test_names_that_are_none_are_refused(scripting, no_jobs):
    with pytest.raises(scripting.ImageTo3DError, match="did you mean 'running'"):
        scripting.jobs("runing")
    for name in ("nothing", "20260101-000000-000000-0000", "../jobs"):
        with pytest.raises(scripting.errors.JobError):
            scripting.job(name)
    with pytest.raises(AttributeError):
        scripting.nothing  # noqa: B018


@once
def test_a_failure_has_the_class_of_the_api(scripting, account, star, hurry):
    account.play("create", "status", status=402, times=99)
    job = scripting.generate(star, "Meshy")
    ends = []
    job.on_end(lambda job: ends.append(job.error))
    with pytest.raises(scripting.errors.NoCreditsError) as caught:
        job.wait()
    assert type(job.error) is scripting.errors.NoCreditsError and str(job.error) == str(caught.value) == job.message
    assert [str(error) for error in ends] == [job.message] and job.objects == [] and job.collection is None
    account.play_nothing()
    job.retry()
    assert job.wait().error is None and len(account.creates) == 1


# Several


def test_as_many_run_side_by_side_as_the_preferences_say(scripting, extension, slow_account, pictures, make_job):
    stranger = make_job("waiting", service="local")
    extension.preferences.jobs_at_once = 2
    jobs = [scripting.generate(path, "MESHY", name=f"Star {number}") for number, path in enumerate(pictures)]
    side_by_side = []
    soon(
        lambda: len(slow_account.creates) == 2,
        lambda: (side_by_side.extend(slow_account.creates), finish_all(slow_account, 3), finish_all(slow_account, 2)),
    )
    for job in jobs:
        assert job.wait().objects[0]["image_to_3d_task"] == job.task_id
    assert len(side_by_side) == 2 and len(slow_account.creates) == 3
    assert scripting.job(stranger.id).state == "waiting", "it is not this script's"


@once
def test_one_that_fails_stops_no_other(scripting, session, pictures, tmp_path, no_jobs):
    bad = tmp_path / "Bad.png"
    bad.write_text("this is no picture")
    jobs = [scripting.generate(path) for path in (pictures[0], bad, pictures[1])]
    failed = []
    for job in jobs:
        try:
            job.wait()
        except scripting.ImageTo3DError:
            failed.append(job)
    assert failed == [jobs[1]] and [len(job.objects) for job in jobs] == [1, 0, 1]


@once
def test_time_that_is_over_ends_the_wait_and_not_the_job(scripting, slow_account, star):
    job = scripting.generate(star, "MESHY")
    for seconds in (0, 0.1):
        with pytest.raises(TimeoutError, match="goes on"):
            job.wait(timeout=seconds)
    finish_all(slow_account, 1)
    assert job.wait(timeout=PATIENCE_S).objects
    for seconds in (-1, float("nan"), "long"):
        with pytest.raises(scripting.errors.ParameterError, match="use seconds"):
            job.wait(timeout=seconds)


@once
def test_how_they_get_on_is_logged_and_not_printed(scripting, extension, star, no_jobs, caplog, capfd):
    with caplog.at_level(logging.INFO, extension.name):
        job = scripting.generate(star).wait()
    lines = [record.getMessage() for record in caplog.records if record.name == extension.name]
    assert len(lines) > 1 and len(set(lines)) == len(lines) and all(line.startswith(job.id) for line in lines)
    with caplog.at_level(logging.WARNING, extension.name):
        caplog.clear()
        scripting.generate(star).wait()
    assert not caplog.records and capfd.readouterr() == ("", "")


# Never paid twice


def leave(session, scripting, star, slow_account):
    """Leave a paid job as a Blender does that ends while the service works on it."""
    job = scripting.generate(star, "MESHY")
    tick_until(session, lambda: session.refresh(job.id).task_id)
    session.end()
    return job.id


def test_what_was_left_is_taken_up_and_stands_where_it_is_asked_for_now(scripting, session, slow_account, star):
    left = leave(session, scripting, star, slow_account)
    finish_all(slow_account, 1)
    job = scripting.generate(star, "MESHY", location=(4, 5, 6))
    assert job.id == left and list(job.wait().objects[0].location) == [4, 5, 6]
    assert len(slow_account.creates) == 1


@once
def test_the_same_again_is_another_where_that_is_said(scripting, session, slow_account, star):
    left = leave(session, scripting, star, slow_account)
    finish_all(slow_account, 2)
    job = scripting.generate(star, "MESHY", again=True)
    assert job.id != left and job.wait().objects and len(slow_account.creates) == 2
    assert scripting.job(left).state == "running"
    finish_all(slow_account, 3)
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY", again=True)
    assert len(slow_account.creates) == 3 and scripting.job(left).state == "running"


@once
def test_a_script_that_asks_twice_for_the_same_gets_two(scripting, slow_account, star):
    jobs = [scripting.generate(star, "MESHY") for _ in range(2)]
    finish_all(slow_account, 2)
    assert len({job.wait().task_id for job in jobs}) == 2 == len(slow_account.creates)


@once
def test_a_job_that_nobody_waits_for_is_told_of_at_the_end(scripting, session, slow_account, star, caplog):
    job = scripting.generate(star, "MESHY")
    session.end()
    (said,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert job.id in said and "not waited for, so the job stops here" in said
    finish_all(slow_account, 1)
    assert job.wait().objects, "it can be taken up by its object, too"


@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C cannot be pressed for one process there")
def test_ctrl_c_ends_all_in_order(scripting, extension, session, slow_account, pictures):
    extension.preferences.jobs_at_once = 1
    first, *others = [scripting.generate(path, "MESHY") for path in pictures]
    soon(lambda: slow_account.creates and first.task_id, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        first.wait()
    assert first.state == "running" and not session.is_running(first.id)
    assert [job.state for job in others] == ["cancelled", "cancelled"] and len(slow_account.creates) == 1
    finish_all(slow_account, 1)
    assert scripting.generate(pictures[0], "MESHY").wait() == first and len(slow_account.creates) == 1


@once
@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C cannot be pressed for one process there")
def test_ctrl_c_while_a_job_is_written_down_leaves_nothing_to_be_paid(
    scripting, session, slow_account, star, monkeypatch
):
    create = session.queue.create

    def create_and_press(*arguments, **options):
        os.kill(os.getpid(), signal.SIGINT)
        return create(*arguments, **options)

    monkeypatch.setattr(session.queue, "create", create_and_press)
    with pytest.raises(KeyboardInterrupt):
        scripting.generate(star, "MESHY")
    assert [job.state for job in scripting.jobs()] == ["cancelled"] and not slow_account.creates


@once
@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C cannot be pressed for one process there")
def test_a_handler_of_the_scripts_own_is_called_once_and_stays(scripting, slow_account, star):
    heard = []

    def handler(number, frame):
        heard.append(number)

    before = signal.signal(signal.SIGINT, handler)
    try:
        job = scripting.generate(star, "MESHY")
        soon(lambda: slow_account.creates, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            job.wait()
        assert heard == [signal.SIGINT] and signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


@once
def test_cancel_tells_the_service_before_it_returns(scripting, slow_account, session, star):
    job = scripting.generate(star, "MESHY")
    with pytest.raises(TimeoutError):
        job.wait(timeout=0)
    tick_until(session, lambda: session.refresh(job.id).task_id)
    slow_account.set_progress(slow_account.creates[0].id, -1)
    job.cancel()
    assert job.state == "cancelled" and [request.step for request in slow_account.requests].count("delete") == 1
    with pytest.raises(scripting.ImageTo3DError, match="Cancelled"):
        job.wait()


# Callbacks: in a window a timer looks, as `tick_until` does here


def test_on_end_is_called_once_when_the_model_has_arrived(scripting, session, star, no_jobs, capfd):
    called = []

    def fail(job):
        raise ValueError("a bug in a callback")

    job = scripting.generate(star)
    job.on_end(fail)
    job.on_end(lambda job: called.append([obj.name for obj in job.objects]))
    tick_until(session, lambda: called)
    session.tick()
    assert called == [["Red Star"]] and "a bug in a callback" in capfd.readouterr().err
    job.on_end(called.append)
    assert called[1:] == [job], "at once, where it is over"


@once
def test_on_end_outlives_the_file(scripting, session, star, no_jobs):
    called = []
    job = scripting.generate(star)
    job.on_end(lambda job: called.append((job.state, job.objects)))
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    tick_until(session, lambda: called)
    assert called == [("ready", [])]
    assert job.import_() == job.objects and job.state == "imported"


@once
def test_wait_says_where_its_scene_is_gone(scripting, session, star, no_jobs):
    job = scripting.generate(star)
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    with pytest.raises(scripting.errors.JobError, match="not open any more"):
        job.wait()


# The page about it

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@once
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_each_example_of_the_page_runs_as_it_stands_there(session, star, no_jobs, tmp_path, monkeypatch, number):
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()
    for name in ("fox.png", "pictures/a.png", "pictures/b.png"):
        shutil.copy(star, name)
    Path("example.py").write_text(EXAMPLES[number], encoding="utf-8")
    logger = logging.getLogger("bl_ext.user_default.image_to_3d")
    try:
        runpy.run_path("example.py")
    finally:
        logger.setLevel(logging.NOTSET)


# Ways to come by it


@once
def test_it_works_without_an_entry_in_the_preferences(extension, session, star):
    extension.disable()
    addon_utils.enable(extension.name)
    try:
        assert extension.name not in bpy.context.preferences.addons
        assert extension.module("scripting").generate(star).wait().objects
    finally:
        addon_utils.disable(extension.name)
        extension.enable()


NOT_ENABLED = """
import bpy, sys, addon_utils
from bl_ext.user_default.image_to_3d import scripting
print([name for name in sys.modules if name.startswith("bl_ext.user_default.image_to_3d.")])
print(dir(scripting))
try:
    scripting.generate("fox.png")
except scripting.ImageTo3DError as error:
    print(error)
"""


@once
def test_it_says_where_the_extension_is_not_enabled():
    done = subprocess.run([sys.executable, "-c", NOT_ENABLED], capture_output=True, text=True, timeout=60)
    loaded, names, sentence = done.stdout.splitlines()[-3:]
    assert loaded == "['bl_ext.user_default.image_to_3d.scripting']", "to import it costs nothing"
    assert "generate" in names and "is not enabled: enable it in the preferences" in sentence, done.stderr
