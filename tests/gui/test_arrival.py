# SPDX-License-Identifier: GPL-3.0-or-later
"""A model arrives in the scene that Blender starts with, in real windows: it is seen, selected, beside the cube."""

import pytest
from gui import jobs

SELECTED = "[obj.name for obj in bpy.context.selected_objects]"
ACTIVE = "bpy.context.view_layer.objects.active.name"
BOUNDS = """
from mathutils import Vector
def bounds(name):
    obj = bpy.data.objects[name]
    corners = [obj.matrix_world @ Vector(corner) for corner in obj.bound_box]
    return [[f(corner[axis] for corner in corners) for axis in range(3)] for f in (min, max)]
[bounds(name) for name in names]
"""


ON_SCREEN = """
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Vector
area = next(area for area in bpy.context.screen.areas if area.type == "VIEW_3D")
region = next(region for region in area.regions if region.type == "WINDOW")
def extent(name):
    obj = bpy.data.objects[name]
    corners = [obj.matrix_world @ Vector(corner) for corner in obj.bound_box]
    return [location_3d_to_region_2d(region, area.spaces.active.region_3d, corner).x for corner in corners]
[[f(extent(name)) for f in (min, max)] for name in names]
"""


def arrive(blender, star):
    job = jobs.start(blender, star)
    jobs.until_state(blender, job, "imported")
    blender.settle()
    return job


def are_apart(first, second):
    return any(first[1][axis] < second[0][axis] or second[1][axis] < first[0][axis] for axis in range(3))


def test_in_the_first_scene_it_is_seen_selected_beside_the_cube(blender, services, sign_in, star, save):
    sign_in(services)
    before = blender.picture()
    arrive(blender, star)
    blender.find("beside Cube", blender.status_bar())
    assert blender.run(SELECTED) == ["Red Star"] and blender.run(ACTIVE) == "Red Star"
    model, cube = blender.run(BOUNDS, names=["Red Star", "Cube"])
    assert are_apart(model, cube) and model[0][2] == 0
    (left, right), (cube_left, cube_right) = blender.run(ON_SCREEN, names=["Red Star", "Cube"])
    assert right < cube_left or cube_right < left, "one is seen before the other"
    save("first_model", blender)
    assert before.tobytes() != blender.picture().tobytes()
    blender.press("Z", ctrl=True)
    blender.until("'Red Star' not in bpy.data.objects")
    assert blender.run(SELECTED) == ["Cube"] and blender.run(ACTIVE) == "Cube"


@pytest.mark.usefixtures("newest")
def test_in_edit_mode_it_is_one_step_as_well(blender, services, sign_in, star):
    sign_in(services)
    blender.run("bpy.ops.object.mode_set(mode='EDIT')")
    blender.run("bpy.ops.ed.undo_push(message='Edit Mode')")
    arrive(blender, star)
    for _ in range(2):
        assert blender.run("'Red Star' in bpy.data.objects and bpy.context.mode") == "EDIT_MESH"
        blender.press("Z", ctrl=True)
        blender.until("'Red Star' not in bpy.data.objects")
        assert blender.run("bpy.context.mode") == "EDIT_MESH"
        blender.press("Z", ctrl=True, shift=True)
        blender.until("'Red Star' in bpy.data.objects")


@pytest.mark.usefixtures("newest")
def test_in_local_view_it_is_seen_as_well(blender, services, sign_in, star):
    sign_in(services)
    blender.run("bpy.ops.view3d.localview(frame_selected=False)")
    arrive(blender, star)
    # 4.3 gives False for `local_view_get` of every object.
    assert blender.run("[obj.name for obj in bpy.context.visible_objects]") == ["Cube", "Red Star"]
    blender.run("bpy.ops.view3d.localview(frame_selected=False)")


def test_who_has_selected_something_else_by_mouse_keeps_it(blender, slow_services, sign_in, star):
    sign_in(slow_services)
    job = jobs.start(blender, star)
    jobs.until_task(blender, job)
    blender.press("A", alt=True)  # selects nothing
    blender.until(f"not {SELECTED}")
    (create,) = slow_services.creates
    slow_services.finish(create.id)
    jobs.until_state(blender, job, "imported")
    assert blender.run(SELECTED) == []
