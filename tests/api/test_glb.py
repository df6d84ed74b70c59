# SPDX-License-Identifier: GPL-3.0-or-later
"""A file is taken for a model only if it is a whole GLB that refers to nothing outside itself. Plain Python."""

import base64
import json
import os
import struct

import pytest

from image_to_3d.api import glb
from image_to_3d.api.errors import GlbError


def make_glb(document, *, version=2, binary=b"\0" * 8):
    """Lay a GLB out as glTF 2.0 section 4 says."""
    content = json.dumps(document).encode()
    content += b" " * (-len(content) % 4)
    chunks = struct.pack("<I4s", len(content), b"JSON") + content
    chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", version, 12 + len(chunks)) + chunks


GOOD = {"asset": {"version": "2.0"}, "buffers": [{"byteLength": 8}], "images": [{"uri": "data:image/png;base64,AA=="}]}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.glb"


def test_a_whole_glb_is_accepted(file):
    file.write_bytes(make_glb(GOOD))
    glb.check(file)


def test_a_glb_cut_anywhere_is_refused(file):
    whole = make_glb(GOOD)
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(GlbError):
            glb.check(file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>404</html>", "not a GLB"),
        (b"", "not a GLB"),
        (make_glb(GOOD)[:-1], "is incomplete"),
        (make_glb(GOOD) + b"\0", r"is damaged \(it has \d+ bytes and says \d+\)"),
        (make_glb(GOOD, version=1), "version 1"),
        (make_glb({"buffers": []}), "damaged"),
        (make_glb([]), "damaged"),
        (make_glb(GOOD, binary=b"\0" * 7), "damaged"),
        (make_glb(GOOD).replace(b"BIN\0", b"JSON"), "damaged"),
        (make_glb({**GOOD, "buffers": [{"byteLength": 8, "uri": "../secret.bin"}]}), "outside itself"),
        (make_glb({**GOOD, "images": [{"uri": "file:///etc/passwd"}]}), "outside itself"),
        (make_glb({"asset": {}, "images": None}), "damaged"),
        (make_glb({**GOOD, "buffers": [7]}), "damaged"),
        (make_glb({**GOOD, "buffers": {"uri": "../secret.bin"}}), "damaged"),
        (make_glb(GOOD).replace(b'{"asset"', b'["asset"'), "damaged"),
    ],
)
def test_what_is_no_self_contained_glb_is_refused_with_the_reason(file, content, words):
    file.write_bytes(content)
    with pytest.raises(GlbError, match=words):
        glb.check(file)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
@pytest.mark.parametrize("what", ["a pipe", "a link to another model", "a link to what never ends", "a folder"])
def test_what_is_no_plain_file_is_never_opened(file, tmp_path, what):
    other = tmp_path / "other.glb"
    other.write_bytes(make_glb(GOOD))
    if what == "a pipe":
        os.mkfifo(file)
    elif what == "a folder":
        file.mkdir()
    else:
        file.symlink_to(other if "model" in what else "/dev/zero")
    for look in (glb.check, lambda path: glb.copy_for_blender(path, tmp_path / "copy.glb")):
        with pytest.raises(GlbError, match="no plain file"):
            look(file)
    assert not (tmp_path / "copy.glb").exists()


PNG = base64.b64encode(b"\x89PNG any bytes").decode()


def with_uri(uri, where="images"):
    return make_glb({"asset": {"version": "2.0"}, where: [{"uri": uri}]})


@pytest.mark.parametrize("where", ["buffers", "images"])
@pytest.mark.parametrize(
    "uri",
    [
        "data:/../../etc/passwd",
        "data:image/png,/../../etc/passwd",
        "data:image/png;base64",
        "data:image/png;base64;/../../../etc/passwd",
        "data:;base64/../../etc/passwd",
        "data:/../../etc/passwd;base64,",
        "data:a/../../../etc/passwd;base64,AAAA",
        "DATA:/../../etc/passwd;base64,AAAA",
        "Data:image/png;base64,../../../etc/passwd",
        "data:image/png;base64,../../etc/passwd",
        "data:image/png;base64,AAA",
        "data:image/png;base64,AA==AA==",
        "data:image/png;base64,A\u00e9AA",
        "data:image/png;base64,%2e%2e%2fetc%2fpasswd",
        " data:image/png;base64,AAAA",
        "dat\u0131:image/png;base64,AAAA",
        "\u017fata:;base64,AAAA",
        "data\\..\\secret.bin",
        "data",
        "",
        "/etc/passwd",
        "file:///dev/zero",
        "http://127.0.0.1/a.png",
        "\\\\host\\share\\a.png",
        7,
        False,
        ["data:;base64,AAAA"],
        {"data:": 1},
    ],
)
def test_every_uri_but_data_that_decodes_is_refused(file, uri, where):
    """Blender's importer takes for a path whatever is not data to it."""
    file.write_bytes(with_uri(uri, where))
    with pytest.raises(GlbError, match="outside itself"):
        glb.check(file)


LEGAL = [
    f"data:image/png;base64,{PNG}",
    f"DATA:image/png;base64,{PNG}",
    f"Data:Image/PNG;Base64,{PNG}",
    f"data:;base64,{PNG}",
    f"data:application/octet-stream;base64,{PNG}",
    f"data:image/png;name=fox.png;charset=utf-8;base64,{PNG}",
    f'data:image/vnd.radiance+x;q="a b";base64,{PNG}',
]


@pytest.mark.parametrize("uri", LEGAL)
def test_every_legal_spelling_of_data_is_accepted(file, uri):
    for where in ("buffers", "images"):
        file.write_bytes(with_uri(uri, where))
        glb.check(file)


def test_json_in_another_encoding_is_refused(file):
    """The importer reads UTF-8 only: what is checked must be what it reads."""
    content = json.dumps(GOOD).encode("utf-16-le")
    content += b" \0" * (-len(content) % 4 // 2)
    file.write_bytes(struct.pack("<4sIII4s", b"glTF", 2, 20 + len(content), len(content), b"JSON") + content)
    with pytest.raises(GlbError, match="damaged"):
        glb.check(file)


def test_a_null_in_place_of_a_uri_is_none(file):
    file.write_bytes(make_glb({**GOOD, "images": [{"uri": None, "bufferView": 0}]}))
    glb.check(file)


def test_a_glb_is_read_as_blender_reads_it_though_it_was_laid_out_carelessly(file):
    """Old versions of trimesh ended their chunks on any byte; what follows the binary chunk is nobody's business."""
    content, binary = json.dumps(GOOD).encode() + b" ", b"\0" * 11
    content += b" " * (len(content) % 4 == 0)
    chunks = struct.pack("<I4s", len(content), b"JSON") + content + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    for after in (b"", b"\0", b"\0\0\0", struct.pack("<I4s", 999, b"MINE"), b"BIN\0" * 5):
        file.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks + after)) + chunks + after)
        assert glb.check(file)["buffers"] == [{"byteLength": 8}]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"materials": {"0": {}}}, "materials is no list"),
        ({"materials": [7]}, r"materials\[0\] is no object"),
        ({"materials": [None]}, r"materials\[0\] is no object"),
        ({"materials": [{}, {"pbrMetallicRoughness": []}]}, r"materials\[1\].pbrMetallicRoughness is no object"),
        ({"materials": [{"pbrMetallicRoughness": {"metallicFactor": "1"}}]}, "metallicFactor is no number"),
        ({"materials": [{"pbrMetallicRoughness": {"metallicFactor": True}}]}, "metallicFactor is no number"),
        ({"materials": [{"pbrMetallicRoughness": {"metallicFactor": float("nan")}}]}, "metallicFactor is no number"),
        ({"materials": [{"emissiveFactor": [1, 1]}]}, "emissiveFactor is no list of 3 numbers"),
        ({"materials": [{"normalTexture": {"index": 0}}]}, r"normalTexture.index is no number of one of the textures"),
        ({"materials": [{"normalTexture": {}}]}, "normalTexture.index is missing"),
        ({"materials": [{"extensions": []}]}, "extensions is no object"),
        ({"materials": [{"extensions": {"KHR_materials_sheen": 1}}]}, "is no object"),
        (
            {"materials": [{"extensions": {"KHR_materials_sheen": {"sheenColorTexture": [0]}}}]},
            "KHR_materials_sheen.sheenColorTexture is no object",
        ),
        ({"materials": [{"alphaMode": 1}]}, "alphaMode is no text"),
        ({"materials": [{"doubleSided": 1}]}, "doubleSided is neither"),
        ({"textures": [{"source": "0"}]}, "source"),
        ({"textures": [{"source": 1}]}, "source"),
        ({"textures": [{"extensions": {"EXT_texture_webp": {"source": 9}}}]}, "source"),
        ({"nodes": [{}, {}, {}, {"children": {"0": 1}}]}, r"nodes\[3\].children is no list"),
        ({"nodes": [{"children": [1]}]}, r"nodes\[0\].children\[0\] is no number of one of the nodes"),
        ({"nodes": [{"children": [0.0]}]}, "is no number of one"),
        ({"nodes": [{"children": [-1]}]}, "is no number of one"),
        ({"nodes": [{"mesh": 0}]}, "is no number of one of the meshes"),
        ({"nodes": [{"matrix": [1] * 15}]}, "matrix is no list of 16 numbers"),
        ({"nodes": [{"translation": [0, 0, 10**400]}]}, "translation is no list"),
        ({"nodes": [{"translation": [0, 0, float("inf")]}]}, "translation is no list"),
        ({"nodes": [{"name": 7}]}, "name is no text"),
        ({"scene": True, "scenes": [{}, {}]}, "scene is no number"),
        ({"scene": 1, "scenes": [{}]}, "scene is no number"),
        ({"scenes": [{"nodes": [0]}]}, "is no number of one of the nodes"),
        ({"meshes": [{}]}, "primitives is missing"),
        ({"meshes": [{"primitives": [{"attributes": ["POSITION"]}]}]}, "attributes is no object"),
        ({"meshes": [{"primitives": [{"attributes": {"POSITION": 2**70}}]}]}, "attributes"),
        ({"skins": [{"joints": 0}]}, "joints is no list"),
        ({"animations": [{"channels": [{"sampler": 0, "target": 3}], "samplers": []}]}, "target is no object"),
        ({"bufferViews": [{"buffer": 1, "byteLength": 4}]}, "buffer is no number of one of the buffers"),
        ({"accessors": [{"componentType": 5126, "count": 1.5, "type": "VEC3"}]}, "count is no whole number"),
        ({"accessors": [{"componentType": 5124, "count": 1, "type": "VEC3"}]}, "componentType is none of 5120, "),
        ({"accessors": [{"componentType": 5126, "count": 1, "type": "VEC5"}]}, "type is none of SCALAR"),
        ({"accessors": [{"componentType": 5126, "count": 1, "type": []}]}, "type is none of SCALAR"),
        ({"extensions": {"KHR_materials_variants": {}}}, "KHR_materials_variants.variants is missing"),
        ({"extensionsRequired": "KHR_draco_mesh_compression"}, "extensionsRequired is no list"),
        ({"extensionsUsed": [1]}, "is no text"),
        ({"asset": []}, "asset is no object"),
        ({"asset": {"version": 2.0}}, "version is no text"),
        ({"asset": {"version": "1.0"}}, "no glTF 2.0"),
        ({"buffers": [{"byteLength": 8}, {"byteLength": 8}], "bufferViews": [{"buffer": 1, "byteLength": 8}]}, "data"),
    ],
)
def test_what_is_not_what_its_place_is_for_is_refused_by_its_name(file, where, words):
    file.write_bytes(make_glb({**GOOD, **where}))
    with pytest.raises(GlbError, match=words) as refused:
        glb.check(file)
    assert str(refused.value).startswith("The model's file is damaged (") and "try again" not in str(refused.value)


@pytest.mark.parametrize(
    "where",
    [
        {"nodes": [{"children": [1]}, {"children": [0]}]},
        {"nodes": [{"children": [0]}]},
        {"nodes": [{"children": [1]}, {"children": [2]}, {"children": [1]}], "scenes": [{"nodes": [0]}]},
        {"nodes": [{"children": [1]}, {"children": [0]}], "scenes": [{"nodes": [0]}]},
        {"nodes": [{}, {"children": [2]}, {"children": [1]}], "scenes": [{"nodes": [0, 1]}]},
        {"nodes": [{"children": [2]}, {"children": [2]}, {}]},
        {"nodes": [{"children": [1, 1]}, {}]},
        {"nodes": [{"children": [number + 1]} for number in range(100_000)] + [{}]},
        {"nodes": [{"skin": 0}], "skins": [{"joints": []}]},
    ],
)
def test_nodes_that_are_no_tree_are_refused(file, where):
    file.write_bytes(make_glb({**GOOD, **where}))
    with pytest.raises(GlbError, match=r"damaged \(.*(below|nested|joints)"):
        glb.check(file)


def test_nodes_outside_the_scene_do_not_matter(file):
    nodes = [{"name": "Model"}, {"children": [2]}, {"children": [1]}, {"children": [2]}]
    file.write_bytes(make_glb({**GOOD, "nodes": nodes, "scenes": [{"nodes": [0]}]}))
    glb.check(file)


def raw(text):
    """A GLB with this JSON, whatever it is."""
    text += b" " * (-len(text) % 4)
    return struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text), len(text), b"JSON") + text


START = b'{"asset":{"version":"2.0"},"x":'


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b'"glTF"',
        b"[" * 100_000,
        START + b"[" * 100_000 + b"]" * 100_000 + b"}",
        START + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        START + b"[" + b"1," * 10_000_000 + b"1]}",
        START + b"[" + b"{}," * 5_000_000 + b"1]}",
        START + b"1" * 5000 + b"}",
        START + b'"\xff"}',
        START + b'"\xed\xa0\x80"}',
        b"\xef\xbb\xbf" + START + b"1}",
        START + b"1",
        START + b"1} {}",
        START + b'"\n"}',
    ],
)
def test_json_that_cannot_or_must_not_be_read_is_refused(file, text):
    file.write_bytes(raw(text))
    with pytest.raises(GlbError, match="damaged"):
        glb.check(file)


def test_json_that_is_only_odd_is_read_as_blender_reads_it(file):
    text = (
        b'{"scenes":3,"asset":{"version":"2.0"},"scenes":[{"name":"\\ud800"}],"scene":null,"x":1e400,"y":' + b"9" * 400
    )
    file.write_bytes(raw(text + b"}"))
    assert glb.check(file)["scenes"] == [{"name": "\ud800"}]


def test_a_chunk_of_json_that_no_memory_holds_is_not_read(file):
    """A sparse file: it takes no room, and to read it would take two gigabytes."""
    with file.open("wb") as stream:
        stream.write(struct.pack("<4sIII4s", b"glTF", 2, 20 + 2**31, 2**31, b"JSON"))
        stream.truncate(20 + 2**31)
    with pytest.raises(GlbError, match="more than 512 MB"):
        glb.check(file)


def test_what_a_model_lacks_is_known_of_every_file_that_passes(file):
    for materials in ([{}], [{"pbrMetallicRoughness": None}], [], None):
        file.write_bytes(make_glb({**GOOD, "materials": materials}))
        assert glb.missing_maps(file) >= {"base_color", "normal", "emission"}
    file.write_bytes(make_glb({**GOOD, "textures": [{}], "materials": [{"normalTexture": {"index": 0}}]}))
    assert "normal" not in glb.missing_maps(file)
