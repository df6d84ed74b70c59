# SPDX-License-Identifier: GPL-3.0-or-later
"""What a background Blender that a hostile model has taken over could write as a model: nothing of it stays in the
user's file, runs in the user's Blender or has it open another file. Real files, made as such a Blender could."""

import os
import struct

import bpy
import pytest


def text(root, **_):
    script = bpy.data.texts.new("startup.py")
    script.write("raise SystemExit")
    script.use_module = True  # run as soon as the user opens their own file again
    root["script"] = script


def driver(root, **_):
    root.driver_add("location", 0).driver.expression = "__import__('os').getpid()"


def driver_of_a_mesh(root, **_):
    root.shape_key_add(name="Basis")
    root.shape_key_add(name="Key").driver_add("value").driver.expression = "__import__('os').getpid()"


def driver_of_a_material(root, material, **_):
    socket = material.node_tree.nodes.new("ShaderNodeValue").outputs[0]
    socket.driver_add("default_value").driver.expression = "__import__('os').getpid()"


def driver_out_of_sight(root, **_):
    hidden = bpy.data.objects.new("Hidden", None)
    hidden.driver_add("location", 0).driver.expression = "__import__('os').getpid()"
    root["hidden"] = hidden


def library(root, tmp_path, **_):
    other = bpy.data.meshes.new("Elsewhere")
    bpy.data.libraries.write(str(tmp_path / "elsewhere.blend"), {other}, fake_user=True)
    bpy.data.meshes.remove(other)
    with bpy.data.libraries.load(str(tmp_path / "elsewhere.blend"), link=True) as (_, wanted):
        wanted.meshes = ["Elsewhere"]
    root["mesh"] = wanted.meshes[0]


def image(root, material, tmp_path, **_):
    made = bpy.data.images.new("Picture", 4, 4)
    made.filepath_raw, made.file_format = str(tmp_path / "picture.png"), "PNG"
    made.save()
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.load(str(tmp_path / "picture.png"))


def script_node(root, material, tmp_path, **_):
    node = material.node_tree.nodes.new("ShaderNodeScript")
    node.mode, node.filepath = "EXTERNAL", str(tmp_path / "shader.osl")


def sound(root, tmp_path, **_):
    (tmp_path / "sound.wav").write_bytes(b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + bytes(28))
    root["sound"] = bpy.data.sounds.load(str(tmp_path / "sound.wav"))


def modifier(root, **_):
    root.modifiers.new("Cache", "MESH_SEQUENCE_CACHE")


def nodes_of_geometry(root, **_):
    root.modifiers.new("Nodes", "NODES").node_group = bpy.data.node_groups.new("Nodes", "GeometryNodeTree")


def constraint(root, **_):
    root.constraints.new("COPY_LOCATION")


def constraint_of_a_bone(root, collection, **_):
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    collection.objects.link(rig)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.edit_bones.new("Bone").tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    rig.pose.bones["Bone"].constraints.new("COPY_LOCATION")


def world(root, **_):
    root["world"] = bpy.data.worlds.new("Other")


def camera(root, collection, **_):
    collection.objects.link(bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera")))


def image_on_an_empty(root, collection, **_):
    picture = bpy.data.objects.new("Picture", None)
    picture.empty_display_type = "IMAGE"
    picture.data = bpy.data.images.new("Picture", 4, 4)
    picture.data.pack()
    collection.objects.link(picture)


def many_collections(root, collection, **_):
    for _ in range(100):
        collection.children.link(bpy.data.collections.new("More"))


HOSTILE = {
    text: "texts came with it",
    driver: "a driver came with it",
    driver_of_a_mesh: "a driver came with it",
    driver_of_a_material: "a driver came with it",
    driver_out_of_sight: "a driver came with it",
    library: "it refers to another file",
    image: "an image came with it that is another file",
    script_node: "nodes came with it that open files or run",
    sound: "sounds came with it",
    modifier: "a modifier came with it",
    nodes_of_geometry: "nodes came with it that open files or run|a modifier came with it",
    constraint: "a constraint came with it",
    constraint_of_a_bone: "a constraint came with it",
    world: "worlds came with it",
    camera: "cameras came with it",
    image_on_an_empty: "an object came with it that is no mesh",
    many_collections: "",
}


@pytest.fixture
def written(make_job, session, tmp_path):
    """A function that makes a job whose model is a cube and what a function adds to it; the open file is empty."""

    def written(add=lambda root, **_: None):
        job = make_job("ready")
        collection = bpy.data.collections.new("Red Star")
        mesh = bpy.data.meshes.new("Cube")
        mesh.from_pydata([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (0, 2)], [], [(0, 1, 3, 2)])
        material = bpy.data.materials.new("Plain")
        if bpy.app.version < (5, 0, 0):
            material.use_nodes = True
        mesh.materials.append(material)
        root = bpy.data.objects.new("Red Star", mesh)
        collection.objects.link(root)
        add(root, collection=collection, material=material, tmp_path=tmp_path)
        blend = session.folder_of(job.id) / "result.blend"
        bpy.data.libraries.write(str(blend), {collection}, compress=False)
        bpy.ops.wm.read_homefile(use_empty=True, app_template="")
        session.tick()
        return job, blend

    return written


def all_there_is():
    kinds = [entry.identifier for entry in bpy.data.bl_rna.properties if entry.type == "COLLECTION"]
    return {kind: len(getattr(bpy.data, kind)) for kind in kinds if kind != "libraries"}


@pytest.mark.parametrize("add", HOSTILE, ids=lambda add: add.__name__)
def test_what_is_more_than_a_model_does_not_stay(written, add):
    job, _ = written(add)
    before = all_there_is()
    why = rf" \(({HOSTILE[add]})\)" if HOSTILE[add] else ""
    with pytest.raises(RuntimeError, match=f"The model of .* is damaged{why}: retry the job"):
        bpy.ops.image_to_3d.import_result(job=job.id)
    assert all_there_is() == before


def test_a_file_that_leads_elsewhere_is_not_even_opened(written):
    job, _ = written(library)
    with pytest.raises(RuntimeError, match="it refers to another file"):
        bpy.ops.image_to_3d.import_result(job=job.id)
    assert list(bpy.data.libraries) == []


def test_a_model_beside_the_users_own_scripts_drivers_and_files_is_appended(written, tmp_path):
    job, _ = written()
    own = bpy.data.objects.new("Own", None)
    bpy.context.scene.collection.objects.link(own)
    text(own)
    driver(own)
    library(own, tmp_path=tmp_path)
    sound(own, tmp_path=tmp_path)
    assert bpy.ops.image_to_3d.import_result(job=job.id) == {"FINISHED"}
    assert "Red Star" in bpy.data.objects and len(bpy.data.texts) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("a pipe", "there is no such file"),
        ("a link", "there is no such file"),
        ("compressed", "it is no file as Blender writes it"),
        ("blocks without end", "it has too many parts"),
        ("a block of less than nothing", "it is no file as Blender writes it"),
    ],
)
def test_what_is_not_as_blender_writes_it_is_not_opened(written, tmp_path, what, words):
    job, blend = written()
    content = blend.read_bytes()
    blend.unlink()
    if what == "a pipe":
        os.mkfifo(blend)
    elif what == "a link":
        (tmp_path / "other.blend").write_bytes(content)
        blend.symlink_to(tmp_path / "other.blend")
    elif what == "compressed":
        blend.write_bytes(b"\x28\xb5\x2f\xfd" + content)
    else:
        block = struct.pack("<4siQii", b"DATA", -24 if "less" in what else 0, 0, 0, 0)
        blend.write_bytes(b"BLENDER-v405" + block * (1 if "less" in what else 1_000_001))
    with pytest.raises(RuntimeError, match=f"{words}.*retry the job"):
        bpy.ops.image_to_3d.import_result(job=job.id)
    assert len(bpy.data.objects) == 0
