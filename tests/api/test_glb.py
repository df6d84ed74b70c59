# SPDX-License-Identifier: GPL-3.0-or-later
"""A file is taken for a model only if it is a whole GLB that refers to nothing outside itself. Plain Python."""

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
        (make_glb({**GOOD, "images": None}), "damaged"),
        (make_glb({**GOOD, "buffers": [7]}), "damaged"),
        (make_glb({**GOOD, "buffers": {"uri": "../secret.bin"}}), "damaged"),
        (make_glb(GOOD).replace(b'{"asset"', b'["asset"'), "damaged"),
    ],
)
def test_what_is_no_self_contained_glb_is_refused_with_the_reason(file, content, words):
    file.write_bytes(content)
    with pytest.raises(GlbError, match=words):
        glb.check(file)
