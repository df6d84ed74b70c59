# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model that arrives does to the selection, how those stand that were asked for at once, and what is said where
the file does not take it as asked."""

import bpy
import arriving
import pytest
from arriving import are_apart, box
from ticking import tick_until


@pytest.fixture
def make(session, make_job):
    """Writes finished jobs down that nobody has asked for yet."""
    return lambda **options: arriving.finished(session, make_job, **options)


@pytest.fixture
def expect(session, make):
    """Has the model of a finished job arrive with the next look, as if it had been asked for now."""

    def expect(**options):
        job = make(**options)
        session.refresh(job.id)
        session.expect(job.id, bpy.context.scene)
        return job

    return expect


@pytest.fixture
def objects(empty_file):
    """Two spheres out of the way, of which the second is selected and active."""
    bpy.ops.mesh.primitive_uv_sphere_add(location=(9, 9, 0))
    bpy.ops.mesh.primitive_uv_sphere_add(location=(-9, 9, 0))
    return list(bpy.context.scene.objects)


def selected():
    return [obj.name for obj in bpy.context.selected_objects], bpy.context.view_layer.objects.active.name


def arrived(session, job):
    said = session.tick()
    assert session.job(job.id).state == "imported", said
    (root,) = arriving.roots(job.id)
    return root


# Selection


def test_who_has_done_nothing_since_has_the_model_selected_and_active(session, objects, expect):
    root = arrived(session, expect())
    assert selected() == ([root.name], root.name)


def test_all_of_a_model_is_selected_and_its_root_is_active(session, objects, make):
    job = make()
    part, root = bpy.data.objects.new("Part", bpy.data.meshes.new("Part")), bpy.data.objects.new("Root", None)
    part.parent = root
    own = bpy.data.collections.new("Own")
    for obj in (part, root):
        own.objects.link(obj)
    bpy.data.libraries.write(str(session.folder_of(job.id) / "result.blend"), {own})
    bpy.data.batch_remove([own, part.data, part, root])
    bpy.ops.image_to_3d.import_result(job=job.id)
    assert (sorted(selected()[0]), selected()[1]) == (["Part", "Root"], "Root")


def select_the_first(objects):
    for obj in objects:
        obj.select_set(obj == objects[0])


TURNED_TO = {
    "another selection": select_the_first,
    "one more": lambda objects: objects[0].select_set(True),
    "nothing": lambda objects: objects[1].select_set(False),
    "another active one": lambda objects: setattr(bpy.context.view_layer.objects, "active", objects[0]),
    "something new": lambda objects: bpy.ops.mesh.primitive_cube_add(location=(0, 9, 0)),
}


@pytest.mark.parametrize("what", TURNED_TO)
def test_who_has_turned_to_something_else_keeps_it(session, objects, expect, what):
    job = expect()
    TURNED_TO[what](objects)
    before = selected()
    arrived(session, job)
    assert selected() == before


@pytest.mark.parametrize("mode", ["EDIT", "SCULPT", "VERTEX_PAINT"])
@pytest.mark.parametrize("select", ["IDLE", "ALWAYS"])
def test_in_another_mode_nothing_is_selected(session, objects, expect, mode, select):
    bpy.ops.object.mode_set(mode=mode)
    before = selected(), bpy.context.mode
    arrived(session, expect(place={"select": select}))
    assert (selected(), bpy.context.mode) == before
    bpy.ops.object.mode_set(mode="OBJECT")


def test_always_and_never(session, objects, expect):
    before = selected()
    arrived(session, expect(place={"select": "NEVER"}))
    assert selected() == before
    job = expect(place={"select": "ALWAYS", "location": [0, 9, 0]})
    select_the_first(objects)
    root = arrived(session, job)
    assert selected() == ([root.name], root.name)


def test_one_model_after_the_other_is_selected(session, objects, expect):
    first, second = expect(), expect(place={"location": [0, 5, 0]})
    session.tick()
    (root,) = arriving.roots(second.id)
    assert arriving.roots(first.id) and selected() == ([root.name], root.name)


def test_where_the_first_is_undone_the_next_is_selected_all_the_same(session, objects, expect):
    bpy.ops.ed.undo_push(message="Before")
    before = selected()
    first, second = expect(name="Owl"), expect(name="Elk")
    with session.folders.lock(session.folder_of(second.id)):  # its process has not ended yet
        arrived(session, first)
    assert selected() == (["Owl"], "Owl")
    bpy.ops.ed.undo()
    assert "Owl" not in bpy.data.objects and selected() == before
    arrived(session, second)
    assert selected() == (["Elk"], "Elk")


def test_what_is_imported_by_hand_is_selected_unless_never(session, objects, make):
    before, job = selected(), make()
    bpy.context.scene.image_to_3d.select = "NEVER"
    bpy.ops.image_to_3d.import_result(job=job.id)
    assert selected() == before
    bpy.context.scene.image_to_3d.select = "IDLE"
    bpy.ops.image_to_3d.import_result(job=job.id)
    assert selected()[1] == arriving.roots()[-1].name and len(selected()[0]) == 1


@pytest.mark.parametrize("select", ["IDLE", "NEVER"])
def test_undo_takes_model_and_selection_back_together(session, objects, expect, select):
    bpy.ops.ed.undo_push(message="Before")
    before = selected()
    name = arrived(session, expect(place={"select": select})).name
    after = selected()
    bpy.ops.ed.undo()
    assert name not in bpy.data.objects and selected() == before
    bpy.ops.ed.redo()
    assert name in bpy.data.objects and selected() == after


def test_generate_in_the_background_selects_what_it_has_made(settings, star, quick_models, objects):
    bpy.ops.image_to_3d.generate(filepath=str(star))
    assert selected() == (["Red Star"], "Red Star")


def test_a_job_that_another_session_started_selects_nothing(session, objects, make):
    job = make()
    bpy.context.window_manager["image_to_3d_expected"] = (
        f'{{"{job.id}": {{"scene": {bpy.context.scene.session_uid}, "idle": {{}}}}}}'
    )
    before = selected()
    arrived(session, job)
    assert selected() == before and "image_to_3d_expected" not in bpy.context.window_manager


# Beside, and in rows


def test_it_says_what_it_stands_beside(session, expect):
    box("Cube", (-1, -1, -1), (1, 1, 1))
    job = expect()
    assert [said.sentence for said in session.tick()] == ["Fox is in the scene, beside Cube: 48 faces"]
    assert session.job(job.id).state == "imported"


def in_row(number, **place):
    return {"row": "drop-1", "number": number, **place}


@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 3, 2, 1), (3, 1, 4, 2), (2, 4, 1, 3)])
@pytest.mark.parametrize("exactly", [{}, {"exactly": True}])
def test_those_of_one_drop_stand_in_a_row_in_whatever_order_they_arrive(session, expect, order, exactly):
    models = [
        arrived(session, expect(place=in_row(number, **exactly), size=(0.5 + number / 10, 0.4, 1))) for number in order
    ]
    bpy.context.view_layer.update()
    row = [root["image_to_3d_number"] for root in sorted(models, key=lambda root: root.location.x)]
    assert row == sorted(order) and {root["image_to_3d_row"] for root in models} == {"drop-1"}
    assert {(round(root.location.y, 5), round(root.location.z, 5)) for root in models} == {(0, 0)}
    assert all(are_apart(one, other) for one in models for other in models if one is not other)


def test_wide_ones_stand_in_a_row_as_well(session, expect):
    sizes = {3: (0.2, 0.4, 0.5), 1: (0.2, 0.4, 0.5), 2: (3, 0.4, 0.5)}
    models = [arrived(session, expect(place=in_row(number), size=size)) for number, size in sizes.items()]
    assert all(are_apart(one, other) for one in models for other in models if one is not other)


def test_a_row_stands_beside_what_would_hide_it(session, expect):
    cube = box("Cube", (-1, -1, -1), (1, 1, 1))
    models = [arrived(session, expect(place=in_row(number))) for number in (3, 1, 2, 4)]
    others = [cube, *models]
    assert all(are_apart(one, other) for one in models for other in others if one is not other)
    assert {(root.location.y, root.location.z) for root in models} == {(0, 0)}


def test_the_row_goes_on_where_it_was_moved_to(session, expect):
    first = arrived(session, expect(place=in_row(1)))
    first.location = 5, 6, 7
    second = arrived(session, expect(place=in_row(2)))
    assert tuple(second.location)[1:] == (6, 7) and 5 < second.location.x < 7 and are_apart(first, second)


def test_files_that_are_dropped_at_once_share_a_row(session, settings, star, tmp_path, quick_models, no_jobs):
    pictures = [tmp_path / f"{name}.png" for name in ("a", "b", "c")]
    for picture in pictures:
        picture.write_bytes(star.read_bytes())
    bpy.ops.image_to_3d.generate_from_files(
        directory=str(tmp_path), files=[{"name": picture.name} for picture in pictures]
    )
    models = [bpy.data.objects[picture.stem] for picture in pictures]
    assert [root["image_to_3d_number"] for root in models] == [1, 2, 3]
    assert len({root["image_to_3d_row"] for root in models}) == 1
    assert all(are_apart(one, other) for one in models for other in models if one is not other)
    bpy.ops.image_to_3d.generate_from_files(filepath=str(star))
    assert "image_to_3d_row" not in bpy.data.objects["Red Star"]


# Collections


def counts():
    return {
        name: len(getattr(bpy.data, name))
        for name in ("collections", "objects", "meshes", "materials", "images", "libraries")
    }


def put(scene, name):
    collection = bpy.data.collections.new(name)
    scene.collection.children.link(collection)
    return collection


HIDDEN = {
    "excluded": (lambda own, layer: setattr(layer, "exclude", True), "but Props is excluded from the view layer (press Show to see it)"),
    "eye": (lambda own, layer: setattr(layer, "hide_viewport", True), "but Props is hidden (press Show to see it)"),
    "monitor": (lambda own, layer: setattr(own, "hide_viewport", True), "but Props is hidden (press Show to see it)"),
}  # fmt: skip


@pytest.mark.parametrize("how", HIDDEN)
@pytest.mark.parametrize("is_outer", [False, True])
def test_where_its_collection_is_not_seen_it_says_so_and_leaves_the_selection(session, objects, expect, how, is_outer):
    hide, words = HIDDEN[how]
    props = put(bpy.context.scene, "Props")
    inner = bpy.data.collections.new("Inner")
    props.children.link(inner)
    hide(props, bpy.context.view_layer.layer_collection.children["Props"])
    before = selected()
    expect(place={"collection": "Inner" if is_outer else "Props"})
    (said,) = session.tick()
    assert said.sentence == f"Fox is in the scene, {words}: 48 faces"
    assert selected() == before and len((inner if is_outer else props).children) == (1 if is_outer else 2)


def test_a_collection_that_only_another_scene_has_is_replaced_and_it_says_so(session, expect):
    put(bpy.data.scenes.new("Other"), "Props")
    expect(place={"collection": "Props"})
    (said,) = session.tick()
    assert said.sentence == "Fox is in the scene, not in Props, which is not in this scene: 48 faces"
    assert "Fox" in bpy.context.scene.collection.children


@pytest.fixture
def library(tmp_path):
    """Links a collection with an object, or a scene, from another file."""

    def link(kind):
        path = str(tmp_path / f"{kind}.blend")
        made = bpy.data.scenes.new("Theirs") if kind == "scenes" else bpy.data.collections.new("Props")
        (made.collection if kind == "scenes" else made).objects.link(bpy.data.objects.new("Part", None))
        if kind == "scenes":  # to write one by itself ends 5.2 with signal 11
            bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
        else:
            bpy.data.libraries.write(path, {made})
        bpy.data.objects.remove(bpy.data.objects["Part"])
        (bpy.data.scenes if kind == "scenes" else bpy.data.collections).remove(made)
        with bpy.data.libraries.load(path, link=True) as (held, wanted):
            setattr(wanted, kind, [name for name in getattr(held, kind) if name in {"Theirs", "Props"}])
        return getattr(wanted, kind)[0]

    return link


@pytest.mark.parametrize("is_overridden", [False, True])
def test_a_collection_that_cannot_be_written_to_is_replaced_and_it_says_so(session, make, library, is_overridden):
    linked = library("collections")
    scene = bpy.context.scene
    scene.collection.children.link(linked)
    if is_overridden:
        linked = linked.override_hierarchy_create(scene, bpy.context.view_layer)
    scene.image_to_3d.collection = linked
    job = make()
    assert bpy.ops.image_to_3d.import_result(job=job.id) == {"FINISHED"}
    (root,) = arriving.roots()
    assert root.users_collection[0].name in scene.collection.children and not linked.children


def test_into_a_linked_scene_nothing_comes_and_nothing_is_left(session, make, library):
    theirs = library("scenes")
    bpy.context.scene.image_to_3d.target_scene = theirs
    job, before = make(), counts()
    with pytest.raises(RuntimeError, match="The scene Theirs is linked from another file"):
        bpy.ops.image_to_3d.import_result(job=job.id)
    session.expect(job.id, theirs)
    (said,) = session.tick()
    assert (said.severity, "is linked from another file" in said.sentence) == ("ERROR", True)
    assert counts() == before and session.job(job.id).state == "ready"


def damage_roots(session, job):
    collection = bpy.data.collections.new("Fox")
    bpy.data.libraries.write(str(session.folder_of(job.id) / "result.blend"), {collection})
    bpy.data.collections.remove(collection)


def damage_two(session, job):
    own = [bpy.data.collections.new(name) for name in ("One", "Two")]
    mesh, material = bpy.data.meshes.new("Mesh"), bpy.data.materials.new("Material")
    material.use_nodes = True
    image = bpy.data.images.new("Image", 4, 4)
    image.pack()
    material.node_tree.nodes.new("ShaderNodeTexImage").image = image
    mesh.materials.append(material)
    objects = [bpy.data.objects.new(collection.name, mesh) for collection in own]
    for collection, obj in zip(own, objects, strict=True):
        collection.objects.link(obj)
    bpy.data.libraries.write(str(session.folder_of(job.id) / "result.blend"), set(own))
    bpy.data.batch_remove([*own, *objects, mesh, material, image])


@pytest.mark.parametrize("damage", [damage_roots, damage_two])
def test_a_damaged_model_leaves_nothing(session, make, damage):
    job = make()
    damage(session, job)
    before = counts()
    with pytest.raises(RuntimeError, match="is damaged: retry the job"):
        bpy.ops.image_to_3d.import_result(job=job.id)
    assert counts() == before and session.refresh(job.id).state == "ready"


def test_a_failure_at_the_very_end_leaves_nothing(extension, session, make, monkeypatch, objects):
    def fail(*_):
        raise RuntimeError("no")

    monkeypatch.setattr(extension.module("scene.selection"), "select", fail)
    job, before, chosen = make(), counts(), selected()
    with pytest.raises(RuntimeError):
        bpy.ops.image_to_3d.import_result(job=job.id)
    assert counts() == before and selected() == chosen


# Disabled and enabled again


def test_disabled_and_enabled_again_the_job_enters_the_file_that_is_still_open(extension, session, objects, expect):
    job = expect()
    extension.disable()
    extension.enable()
    extension.disable()  # nobody has looked in between
    extension.enable()
    tick_until(session, lambda: session.job(job.id) and session.job(job.id).state == "imported")
    (root,) = arriving.roots(job.id)
    assert selected() == ([root.name], root.name)
    assert not [name for name in bpy.context.window_manager.keys() if name.startswith("image_to_3d_exp")]  # noqa: SIM118


def test_disabled_and_enabled_again_after_another_file_was_opened_it_waits_for_the_user(extension, session, expect):
    job = expect()
    extension.disable()
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    extension.enable()
    tick_until(session, lambda: session.job(job.id) and not session.is_busy())
    assert session.job(job.id).state == "ready" and not bpy.data.objects
