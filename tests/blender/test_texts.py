# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that Blender does not take, or that are no sight: nothing that is drawn, said or looked after is stopped by
one."""

import os
import sys
from types import SimpleNamespace

import bpy
import pytest
from layout import Layout, context, drawn_by, operators, words

HALF = "Cut \ud83d"
HOSTILE = f"{HALF} \x1b[31mred\x1b[0m\0\u202e\u2028\n" + "long " * 1000

SEEN = "Cut red long long"

ALL_STATES = (
    *("waiting", "submitting", "running", "downloading", "converting"),
    *("ready", "imported", "failed", "cancelled", "unconfirmed"),
)


@pytest.fixture
def panels(extension):
    return extension.module("panels.jobs")


@pytest.fixture
def start(extension, no_jobs, settings, star):
    """Start a job as the button does with a window: it goes on without us."""
    start_job = extension.module("session.start").start_job
    return lambda path=star: start_job(bpy.context.scene, filepath=str(path))


def hostile(make_job, state):
    """A job as an older version, or another program, may have written it down."""
    return make_job(
        state,
        name=HOSTILE,
        service="csm",
        parameters={"image_url": "picture.p\udcff"},
        message=HOSTILE,
        note=HOSTILE,
        task_id="" if state == "unconfirmed" else "T-1",
        candidates=[HALF, "good-1", "\x1b[31m"],
    )


def row(panels, job_id):
    layout, shown = Layout(), bpy.context.window_manager.image_to_3d
    item = SimpleNamespace(name=job_id)
    panels.IMAGE_TO_3D_UL_jobs.draw_item(SimpleNamespace(), context(), layout, shown, item, 0, shown, "index")
    return layout.drawn


@pytest.mark.parametrize("state", ALL_STATES)
def test_a_job_of_any_text_is_drawn_to_the_last_button(panels, session, make_job, state):
    job = hostile(make_job, state)
    session.refresh(job.id)
    drawn = drawn_by(panels.IMAGE_TO_3D_PT_jobs)
    assert words(drawn).startswith(SEEN) and words(drawn).isprintable()
    last = "copy_task_id" if state in ALL_STATES[:5] else "remove"
    assert operators(drawn)[-1] == (f"image_to_3d.{last}", {"job": job.id})
    assert words(row(panels, job.id)).startswith(SEEN) and words(row(panels, job.id)).isprintable()


def test_the_list_is_filled_and_searched_whatever_the_jobs_are_called(extension, session, make_job):
    for state in ("failed", "imported"):
        hostile(make_job, state)
    make_job(name="Red Star")
    assert session.tick() == [] and len(bpy.context.window_manager.image_to_3d.items) == 3
    assert session.joblist.found("star") == [True, False, False]


def test_the_status_bar_is_drawn_whatever_the_job_is_called(extension, session, start, tmp_path, star):
    file = tmp_path / "fox\u202e.png"
    file.write_bytes(star.read_bytes())
    job = start(file)
    session.job(job.id).name = HALF
    session.tick()
    session.job(job.id).name = HALF
    layout = Layout()
    statusbar = bpy.types.STATUSBAR_HT_header.draw._draw_funcs[-1]
    statusbar(SimpleNamespace(layout=layout), context())
    assert words(layout.drawn).startswith("Cut : ")


def test_only_what_can_be_a_task_is_offered(session, make_job):
    job = hostile(make_job, "unconfirmed")
    session.refresh(job.id)
    assert session.job(job.id).candidates == ("good-1",)


@pytest.mark.parametrize(
    ("state", "operator", "sentence"),
    [("waiting", "forget", "Cut red is waiting: this is for"), ("failed", "import_result", "Cut red has no model yet")],
)
def test_a_refusal_is_said_whatever_the_job_is_called(session, make_job, state, operator, sentence):
    job = make_job(state, name=f"{HALF} \x1b[31mred")
    session.refresh(job.id)
    with pytest.raises(RuntimeError, match=sentence):
        getattr(bpy.ops.image_to_3d, operator)(job=job.id)


def test_the_id_of_a_task_is_copied_as_far_as_it_can_be_seen(session, make_job):
    job = hostile(make_job, "imported")
    assert bpy.ops.image_to_3d.copy_task_id(job=job.id) == {"FINISHED"}


def test_settings_of_any_text_are_used_as_far_as_blender_takes_them(session, settings, make_job):
    job = make_job(
        service="meshy", parameters={"image_url": "https://a/b", "texture_prompt": HALF, "ai_model": "meshy-6"}
    )
    assert bpy.ops.image_to_3d.use_settings(job=job.id) == {"FINISHED"}
    assert (settings.service, settings.meshy.ai_model, settings.meshy.texture_prompt) == ("MESHY", "meshy-6", "")


def test_what_a_service_says_is_reported(session, account, star):
    account.play("create", "status", status=422, message=HOSTILE)
    with pytest.raises(RuntimeError, match=rf"does not accept the request \({SEEN}"):
        bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    session.tick()
    (job,) = session.jobs()
    assert job.message.isprintable() and len(job.message) < 500


def test_the_account_is_shown_whatever_the_service_says(extension, settings, account, session):
    settings.service = "MESHY"
    account.play("balance", "status", status=422, message=HOSTILE)
    with pytest.raises(RuntimeError, match=SEEN):
        bpy.ops.image_to_3d.check_account(service="MESHY")
    drawn = drawn_by(extension.module("panels.sidebar").IMAGE_TO_3D_PT_generate)
    assert SEEN in words(drawn) and operators(drawn)[-1][0] == "image_to_3d.generate"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the names of files are text")
def test_a_file_whose_name_is_no_text_becomes_a_job(extension, session, settings, start, panels, star, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/f\xfcchslein.png")
    with open(path, "wb") as file:
        file.write(star.read_bytes())
    settings.filepath = path
    drawn = drawn_by(extension.module("panels.sidebar").IMAGE_TO_3D_PT_generate)
    assert operators(drawn)[-1][0] == "image_to_3d.generate"
    job = start("")
    assert job.name == "f\ufffdchslein"
    assert words(drawn_by(panels.IMAGE_TO_3D_PT_jobs)).startswith("f\ufffdchslein: Local, waiting")
    picture = session.root() / job.id / job.source
    assert picture.read_bytes() == star.read_bytes()


class Modal:
    """The watch, as Blender calls it with a window: what `report` refuses is refused here as well."""

    def __init__(self, said):
        self.said = said

    def report(self, severity, sentence):
        sentence.encode()
        self.said.append((*severity, sentence))


def modal(extension, operator):
    """What Blender does with the watch when its timer fires."""
    watch = extension.module("operators.watch").IMAGE_TO_3D_OT_watch
    return watch.modal(operator, bpy.context, SimpleNamespace(type="TIMER"))


def test_the_watch_goes_on_and_says_it_whatever_a_job_says(extension, session, no_jobs):
    session.unsaid.extend([session.News("ERROR", f"{HALF}: no"), session.News("INFO", "Next")])
    watch = Modal([])
    assert "FINISHED" in modal(extension, watch)
    assert watch.said == [("ERROR", "Cut : no"), ("INFO", "Next")]
    assert not session.unsaid


def test_a_bug_ends_the_watch_and_the_timer_goes_on(extension, session, no_jobs):
    def fail(*arguments):
        raise ValueError("a bug")

    session.unsaid.append(session.News("INFO", "Next"))
    watch = Modal([])
    watch.report = fail
    with pytest.raises(ValueError, match="a bug"):
        modal(extension, watch)
    assert session.watch_timer is None and not session.unsaid  # so that it is not said again and again


def test_what_the_window_cannot_show_is_no_report(extension):
    """What made this necessary: Blender itself refuses such a text (4.2 to 5.2)."""

    class IMAGE_TO_3D_OT_test_report(bpy.types.Operator):
        bl_idname = "image_to_3d.test_report"
        bl_label = "Report"

        def execute(self, context):
            with pytest.raises(TypeError, match="surrogates not allowed|UnicodeEncodeError"):
                self.report({"ERROR"}, "\ud83d")
            extension.module("operators.outcome").report(self, "WARNING", HOSTILE)
            return {"FINISHED"}

    bpy.utils.register_class(IMAGE_TO_3D_OT_test_report)
    try:
        assert bpy.ops.image_to_3d.test_report() == {"FINISHED"}
    finally:
        bpy.utils.unregister_class(IMAGE_TO_3D_OT_test_report)
