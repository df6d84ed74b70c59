# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures come from paths, addresses and data URIs, over real HTTP on loopback. Plain Python."""

import base64
from urllib.parse import quote

import pytest

from image_to_3d.api import picture
from image_to_3d.api.errors import ConnectionFailedError, PictureError

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@pytest.fixture
def stem(tmp_path):
    return tmp_path / "picture"


def test_a_file_keeps_its_ending(stem, tmp_path):
    source = tmp_path / "My Fox.PNG"
    source.write_bytes(PNG)
    file = picture.to_file(str(source), stem)
    assert file.name == "picture.png" and file.read_bytes() == PNG
    assert picture.name_of(str(source)) == "My Fox"


@pytest.mark.parametrize(
    "uri",
    [
        "data:image/png;base64," + base64.b64encode(PNG).decode(),
        "data:image/png;base64," + quote(base64.b64encode(PNG).decode(), safe=""),
        "data:image/png;base64," + base64.encodebytes(PNG).decode(),
        "data:image/png," + quote(PNG),
    ],
)
def test_a_data_uri_is_decoded(stem, uri):
    file = picture.to_file(uri, stem)
    assert file.name == "picture.png" and file.read_bytes() == PNG
    assert picture.name_of(uri) == "Picture"


def test_an_address_is_fetched(stem, web):
    url = web.serve("/pictures/red%20fox.png?size=2", PNG, "image/png")
    file = picture.to_file(url, stem)
    assert file.name == "picture.png" and file.read_bytes() == PNG
    assert picture.name_of(url) == "red fox"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("/nowhere/fox.png", "There is no picture at /nowhere/fox.png"),
        ("data:image/png;base64", "data URI is incomplete"),
        ("data:image/png;base64,A", "data URI is damaged"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(stem, source, words):
    with pytest.raises(PictureError, match=words):
        picture.to_file(source, stem)


def test_a_folder_is_no_picture(stem, tmp_path):
    with pytest.raises(PictureError, match="There is no picture at"):
        picture.to_file(str(tmp_path), stem)


def test_a_missing_address_a_web_page_and_a_silent_host_are_told_apart(stem, web):
    with pytest.raises(PictureError, match="answered 404 Not Found"):
        picture.to_file(web.address("/gone.png"), stem)
    with pytest.raises(PictureError, match="a web page"):
        picture.to_file(web.serve("/page", b"<html>", "text/html; charset=utf-8"), stem)
    with pytest.raises(ConnectionFailedError, match="127.0.0.1 cannot be reached"):
        picture.to_file("http://127.0.0.1:1/fox.png", stem)


def test_a_connection_that_breaks_off_is_an_error_and_no_short_picture(stem, web):
    url = web.serve("/cut.png", PNG, "image/png", announced=len(PNG) + 100)
    with pytest.raises(ConnectionFailedError):
        picture.to_file(url, stem)
    assert not stem.with_suffix(".png").exists()


@pytest.mark.parametrize(
    ("source", "leaves"),
    [
        ("https://example.org/fox.png", True),
        ("http://localhost:8000/fox.png", False),
        ("http://127.0.0.1/fox.png", False),
        ("http://[::1]:8000/fox.png", False),
        ("/home/fox.png", False),
        ("C:\\fox.png", False),
        ("data:image/png;base64,AA==", False),
    ],
)
def test_only_an_address_elsewhere_counts_as_online(source, leaves):
    assert picture.leaves_machine(source) is leaves
