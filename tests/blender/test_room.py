# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a model stands that would be hidden: beside a cube or the model before, and never out of a room, off a seat or
from under a table."""

import math
import random

import bpy
import arriving
import pytest
from arriving import are_apart, bounds, box, joined, mesh_object


@pytest.fixture
def arrive(session, make_job):
    """Brings a model of 0.6 x 0.5 x 1 m in by hand, and returns its root."""
    jobs = []

    def arrive(at=(0, 0, 0), **options):
        bpy.context.scene.cursor.location = at
        if not jobs or options:
            jobs.append(arriving.finished(session, make_job, **options))
        assert bpy.ops.image_to_3d.import_result(job=jobs[-1].id) == {"FINISHED"}
        return arriving.roots()[-1]

    return arrive


def is_at(root, place):
    return list(root.location) == pytest.approx(place, abs=1e-5)


def default_cube(**options):
    return box("Cube", (-1, -1, -1), (1, 1, 1), **options)


# Beside


def test_it_stands_beside_the_default_cube_on_the_same_floor(arrive):
    cube = default_cube()
    root = arrive()
    assert are_apart(root, cube) and root.location.z == 0
    assert list(cube.location) == [0, 0, 0]
    (low, _), (_, high) = bounds(root), bounds(cube)
    assert 0 < low[0] - high[0] < 1, "near it, at +X where no view says more"


@pytest.mark.parametrize("place", [(0.3, -0.2, 0), (-0.5, 0.5, -0.6)])
def test_it_need_not_be_in_the_middle_of_it(arrive, place):
    cube = default_cube()
    root = arrive(place)
    assert are_apart(root, cube) and root.location.z == pytest.approx(place[2])


@pytest.mark.parametrize("flip", [1, -1])
def test_it_stands_beside_a_cube_that_is_turned_scaled_mirrored_and_moved(arrive, flip):
    cube = default_cube()
    cube.location, cube.rotation_euler, cube.scale = (5, 5, 0.5), (0.4, 0.3, 0.7), (flip * 0.9, 1.1, 1)
    root = arrive((5, 5, 0))
    assert are_apart(root, cube) and root.location.z == 0


def test_it_stands_beside_a_cube_that_a_modifier_makes(arrive):
    half = box("Half", (0, -1, -1), (1, 1, 1), faces=arriving.BOX_FACES[1:])
    half.modifiers.new("Mirror", "MIRROR")
    assert are_apart(arrive((-0.4, 0, -0.5)), half)


def test_it_stands_beside_a_cube_that_is_linked(arrive, tmp_path):
    cube = default_cube()
    library = str(tmp_path / "library.blend")
    bpy.data.libraries.write(library, {cube})
    bpy.data.batch_remove([cube.data, cube])
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.objects = ["Cube"]
    bpy.context.scene.collection.objects.link(wanted.objects[0])
    assert are_apart(arrive(), wanted.objects[0])


def test_the_second_and_third_at_one_place_stand_beside_the_first(arrive):
    for _ in range(7):
        arrive((2, 3, 1))
    models = arriving.roots()
    assert is_at(models[0], (2, 3, 1)) and {round(root.location.z, 5) for root in models} == {1}
    assert all(are_apart(one, other) for one in models for other in models if one is not other)


def test_the_second_stands_beside_the_first_of_another_shape(arrive):
    wide = arrive(size=(1.5, 0.4, 1.2))
    slim = arrive(size=(0.5, 0.4, 1.2))
    assert are_apart(wide, slim)
    other = arrive((9, 9, 0), size=(0.5, 0.4, 1.2))
    assert is_at(other, (9, 9, 0)) and are_apart(arrive((9, 9, 0), size=(1.1, 0.4, 1.2)), other)


def test_flat_models_at_one_place_stand_beside_each_other(arrive):
    first = arrive(size=(1, 0, 1))
    assert are_apart(first, arrive(size=(1, 0, 1)))


def test_it_goes_to_the_side_that_is_free(arrive):
    cube = default_cube()
    walls = [box("Wall", (1.1, -2, -1), (1.3, 2, 2)), box("Crate", (-2, -0.5, -1), (-1.05, 0.5, 1))]
    root = arrive()
    assert all(are_apart(root, other) for other in (cube, *walls))
    assert root.location.x == 0 and root.location.y < 0


def test_it_goes_further_out_where_all_sides_are_taken(arrive):
    taken = [default_cube()]
    for x, y in ((2, 0), (-2, 0), (0, 2), (0, -2)):
        taken.append(box("Taken", (x - 0.9, y - 0.9, -1), (x + 0.9, y + 0.9, 1)))
    root = arrive()
    assert all(are_apart(root, other) for other in taken)


def test_in_a_room_it_stays_in_the_room(arrive):
    box("Room", (-6, -3, -1), (1.6, 3, 3), inward=True)
    cube = default_cube()
    root = arrive()
    low, high = bounds(root)
    assert are_apart(root, cube) and low[0] > -6 and high[0] < 1.6 and low[1] > -3 and high[1] < 3


def test_on_the_ground_it_stays_on_the_ground(arrive):
    mesh_object("Ground", [(-20, -20, 0), (20, -20, 0), (20, 20, 0), (-20, 20, 0)], [(0, 1, 2, 3)])
    cube = default_cube()
    root = arrive()
    assert are_apart(root, cube) and bounds(root)[0][2] == pytest.approx(0)


# Where it was asked for

SEAT = [((-0.3, -0.3, 0.4), (0.3, 0.3, 0.45)), ((-0.3, 0.25, 0.45), (0.3, 0.3, 1.1))]
LEGS = [((x, y, 0), (x + 0.05, y + 0.05, 0.4)) for x in (-0.3, 0.25) for y in (-0.3, 0.25)]
TABLE = [
    ((-0.6, -0.4, 1.05), (0.6, 0.4, 1.1)),
    *(((x, y, 0), (x + 0.05, y + 0.05, 1.05)) for x in (-0.6, 0.55) for y in (-0.4, 0.35)),
]


def slabs(low, high, thick):
    """The walls, floor and ceiling of a room, with that thickness."""
    (x, y, z), (u, v, w) = low, high
    t = thick
    return [
        ((x - t, y - t, z - t), (x, v + t, w + t)), ((u, y - t, z - t), (u + t, v + t, w + t)),
        ((x, y - t, z - t), (u, y, w + t)), ((x, v, z - t), (u, v + t, w + t)),
        ((x, y, z - t), (u, v, z)), ((x, y, w), (u, v, w + t)),
    ]  # fmt: skip


def terrain():
    size = 30
    corners = [(x - 15, y - 15, math.sin(x) * math.cos(y) / 2) for x in range(size) for y in range(size)]
    faces = [(a := x * size + y, a + size, a + size + 1, a + 1) for x in range(size - 1) for y in range(size - 1)]
    return mesh_object("Terrain", corners, faces)


OPEN = [face for face in arriving.BOX_FACES if set(face) != {1, 3, 5, 7}]

STAYS = {
    "on a seat": lambda: (joined("Chair", SEAT + LEGS), (0, 0, 0.45)),
    "under a table": lambda: (joined("Table", TABLE), (0, 0, 0)),
    "on a table": lambda: (joined("Table", TABLE), (0, 0, 1.1)),
    "on the ground": lambda: (box("Ground", (-50, -50, 0), (50, 50, 0)), (0, 0, 0)),
    "on a plane of its size": lambda: (mesh_object("Plane", [(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [(0, 1, 2, 3)]), (0, 0, 0)),
    "on a slab": lambda: (box("Slab", (-1, -1, -1), (1, 1, 0)), (0, 0, 0)),
    "on the cube": lambda: (default_cube(), (0, 0, 1)),
    "sunk a little": lambda: (default_cube(), (0, 0, 0.7)),
    "at a wall of the cube": lambda: (default_cube(), (1.1, 0, 0)),
    "on a terrain": lambda: (terrain(), (0, 0, 0)),
    "in a large room": lambda: (box("Room", (-3, -3, 0), (3, 3, 3), inward=True), (0, 0, 0)),
    "in a small room": lambda: (box("Room", (-1, -1, 0), (1, 1, 2), inward=True), (0, 0, 0)),
    "in thick walls": lambda: (joined("Room", slabs((-0.8, -0.8, 0), (0.8, 0.8, 1.6), 0.2)), (0, 0, 0)),
    "in a room without a ceiling": lambda: (box("Room", (-1, -1, 0), (1, 1, 2), faces=OPEN), (0, 0, 0)),
    "in a room of inward faces without a ceiling": lambda: (box("Room", (-1, -1, 0), (1, 1, 2), faces=OPEN, inward=True), (0, 0, 0)),
    "in a building": lambda: (box("House", (-5, -5, 0), (5, 5, 10)), (0, 0, 0)),
    "with something small in it": lambda: (box("Pea", (-0.05, -0.05, 0.4), (0.05, 0.05, 0.5)), (0, 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("scene", STAYS)
def test_it_stays_where_it_was_asked_for(arrive, scene):
    other, place = STAYS[scene]()
    assert is_at(arrive(place), place)
    assert list(other.location) == [0, 0, 0]


def hidden_by(change):
    def made():
        cube = default_cube()
        bpy.context.view_layer.update()
        change(cube)

    return made


def in_a_collection(change):
    def moved(cube):
        collection = bpy.data.collections.new("Props")
        bpy.context.scene.collection.children.link(collection)
        collection.objects.link(cube)
        bpy.context.scene.collection.objects.unlink(cube)
        change(collection, bpy.context.view_layer.layer_collection.children["Props"])

    return hidden_by(moved)


def text():
    obj = bpy.data.objects.new("Text", bpy.data.curves.new("Text", "FONT"))
    obj.data.body, obj.data.extrude, obj.scale = "MMMM\nMMMM", 2, (1, 1, 1)
    bpy.context.scene.collection.objects.link(obj)


UNSEEN = {
    "display as wire": hidden_by(lambda cube: setattr(cube, "display_type", "WIRE")),
    "display as bounds": hidden_by(lambda cube: setattr(cube, "display_type", "BOUNDS")),
    "hidden by the eye": hidden_by(lambda cube: cube.hide_set(True)),
    "hidden by the monitor": hidden_by(lambda cube: setattr(cube, "hide_viewport", True)),
    "excluded": in_a_collection(lambda own, layer: setattr(layer, "exclude", True)),
    "collection hidden by the eye": in_a_collection(lambda own, layer: setattr(layer, "hide_viewport", True)),
    "collection hidden by the monitor": in_a_collection(lambda own, layer: setattr(own, "hide_viewport", True)),
    "in another scene": lambda: default_cube(scene=bpy.data.scenes.new("Other")),
    "a text": text,
    "a mesh without faces": lambda: mesh_object("Points", [(-1, -1, -1), (1, 1, 1)], []),
    "without size": hidden_by(lambda cube: setattr(cube, "scale", (0, 0, 0))),
    "nowhere": hidden_by(lambda cube: setattr(cube, "location", (math.nan, math.inf, 0))),
}


@pytest.mark.parametrize("what", UNSEEN)
def test_what_is_not_seen_or_no_mesh_hides_nothing(arrive, what):
    UNSEEN[what]()
    assert is_at(arrive(), (0, 0, 0))


def test_exactly_is_exactly(arrive):
    default_cube()
    bpy.context.scene.image_to_3d.location = "CURSOR_EXACTLY"
    assert is_at(arrive((0.1, 0.2, 0)), (0.1, 0.2, 0)) and is_at(arrive((0.1, 0.2, 0)), (0.1, 0.2, 0))


def test_at_the_world_origin_it_is_not_hidden_either(arrive):
    cube = default_cube()
    bpy.context.scene.image_to_3d.location = "ORIGIN"
    assert are_apart(arrive((7, 7, 7)), cube)


def test_a_cube_in_edit_mode_hides_as_well_and_stays_in_edit_mode(arrive):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    bpy.ops.object.mode_set(mode="EDIT")
    root = arrive()
    assert bpy.context.mode == "EDIT_MESH"
    bpy.ops.object.mode_set(mode="OBJECT")
    assert are_apart(root, cube)


def test_among_thousands_of_objects_it_finds_the_one(arrive):
    numbers = random.Random(7)
    mesh = box("Box", (-0.2, -0.2, -0.2), (0.2, 0.2, 0.2)).data
    for number in range(2000):
        obj = bpy.data.objects.new(f"Box {number}", mesh)
        obj.location = numbers.uniform(20, 90), numbers.uniform(-90, 90), 0
        bpy.context.scene.collection.objects.link(obj)
    cube = default_cube()
    assert are_apart(arrive(), cube)
