# SPDX-License-Identifier: GPL-3.0-or-later
"""A file is taken for a model only if it is a whole GLB that refers to nothing outside itself. Plain Python."""

import base64
import json
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
        (make_glb(GOOD) + b"\0", "incomplete"),
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
