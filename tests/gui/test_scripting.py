# SPDX-License-Identifier: GPL-3.0-or-later
"""A script in a Blender with windows: nothing waits there, and what it wants called is called when its model arrives."""

import pytest

ASK = """
import sys
from bl_ext.user_default.image_to_3d import scripting
called = sys.modules["__main__"].called = []  # another file empties Blender's own namespace
job = scripting.generate(path, "Meshy", location=(3, 0, 0), collection="Props")
job.on_end(lambda job: called.append([str(job.state), [obj.name for obj in job.objects], str(job.error or "")]))
try:
    job.wait()
except scripting.ImageTo3DError as error:
    sentence = str(error)
[job.id, sentence]
"""
CALLED = "__import__('__main__').called"


@pytest.mark.usefixtures("newest")
def test_wait_is_refused_and_on_end_has_the_model(blender, slow_services, sign_in, star):
    sign_in(slow_services)
    job, sentence = blender.run(ASK, path=str(star))
    assert sentence.startswith("wait() would freeze Blender's window: use job.on_end(callback)")
    blender.until("session.job(job).task_id", 30, job=job)
    assert blender.run(CALLED) == []
    slow_services.finish(slow_services.creates[0].id)
    blender.until(CALLED, 30)
    assert blender.run(CALLED) == [["imported", ["Red Star"], ""]]
    assert blender.run("list(bpy.data.objects['Red Star'].location)") == [3, 0, 0]
    assert blender.run("[entry.name for entry in bpy.data.collections['Props'].children]") == ["Red Star"]


@pytest.mark.usefixtures("newest")
def test_on_end_outlives_the_file_in_which_it_was_asked_for(blender, slow_services, sign_in, star):
    sign_in(slow_services)
    job, _ = blender.run(ASK, path=str(star))
    blender.run("bpy.ops.wm.read_homefile(app_template='')")
    blender.until("session.job(job).task_id", 30, job=job)
    slow_services.finish(slow_services.creates[0].id)
    blender.until(CALLED, 30)
    assert blender.run(CALLED) == [["ready", [], ""]]
