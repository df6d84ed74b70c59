# SPDX-License-Identifier: GPL-3.0-or-later
"""The payload of a create is the JSON it says it is, as long as it says, and never in memory as a whole. Plain
Python."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

import image_to_3d
from image_to_3d.api.payload import PIECE_BYTES, Payload

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
SIZES = [0, 1, 2, 3, 4, 5, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES + 5]


@pytest.fixture
def file(tmp_path):
    def file(name, content):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return file


def uri(media_type, content):
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize("size", SIZES)
def test_it_is_the_json_it_says_and_as_long_as_it_says(file, size):
    content = PNG + bytes(range(256)) * (size // 256) + bytes(size % 256)
    texts = {"texture_prompt": 'Moos — 苔 "quoted"\n\\', "size": [1.5, -1, None], "on": True}
    payload = Payload({"image_url": file("a.png", content), **texts})
    whole = b"".join(payload)
    assert len(whole) == len(payload)
    assert json.loads(whole) == {"image_url": uri("image/png", content), **texts}


def test_two_pictures_keep_their_places_and_are_called_what_they_are(file):
    one, two = file("one.png", JPEG + b"one"), file("two.jpg", PNG + b"second")
    payload = Payload({"a": 1, "first": one, "b": "base64,", "second": two, "c": ""})
    whole = b"".join(payload)
    assert len(whole) == len(payload)
    assert list(json.loads(whole).items()) == [
        ("a", 1),
        ("first", uri("image/jpeg", JPEG + b"one")),
        ("b", "base64,"),
        ("second", uri("image/png", PNG + b"second")),
        ("c", ""),
    ]


def test_pictures_in_a_list_keep_their_places_beside_others(file):
    one, two = file("one.png", PNG + b"one"), file("two.jpg", JPEG + b"second")
    payload = Payload({"image_urls": [one, "https://example.org/fox.png", two, one], "texture_image_url": two})
    whole = b"".join(payload)
    assert len(whole) == len(payload)
    first, second = uri("image/png", PNG + b"one"), uri("image/jpeg", JPEG + b"second")
    assert json.loads(whole) == {
        "image_urls": [first, "https://example.org/fox.png", second, first],
        "texture_image_url": second,
    }


def test_without_pictures_it_is_one_piece():
    assert list(Payload({"image_url": "https://example.org/fox.png"})) == [
        b'{"image_url": "https://example.org/fox.png"}'
    ]


def test_it_says_that_all_was_sent_only_with_the_last_piece(file):
    payload = Payload({"image_url": file("a.png", PNG + bytes(3 * PIECE_BYTES)), "last": 1})
    said = []
    for _ in payload:
        said.append(payload.sent_whole)
    assert len(said) > 4 and said == [False] * (len(said) - 1) + [True]


def test_who_looks_on_may_end_it_before_any_piece_and_it_was_not_whole_then(file):
    picture = file("a.png", PNG + bytes(PIECE_BYTES))
    pieces = sum(1 for _ in Payload({"image_url": picture}))
    for last in range(pieces):
        looks = []

        def check_cancelled(looks=looks, last=last):
            looks.append(1)
            if len(looks) > last:
                raise KeyboardInterrupt

        payload = Payload({"image_url": picture}, check_cancelled)
        with pytest.raises(KeyboardInterrupt):
            list(payload)
        assert len(looks) == last + 1 and not payload.sent_whole


def test_a_large_picture_is_never_in_memory_as_a_whole(tmp_path):
    code = (
        "import sys, resource; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from image_to_3d.api.payload import Payload;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "size = sum(len(piece) for piece in Payload({'image_url': Path(sys.argv[2])}));"
        "print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    picture = tmp_path / "large.png"
    picture.write_bytes(PNG + bytes(100 << 20))
    root = str(Path(image_to_3d.__path__[0]).parent)
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, root, str(picture)], capture_output=True, text=True, timeout=60, check=True
    )
    size, more_kb = map(int, done.stdout.split())
    assert size > 130 << 20 and more_kb < 20_000
