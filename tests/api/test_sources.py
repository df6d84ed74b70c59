# SPDX-License-Identifier: GPL-3.0-or-later
"""What people type and paste for a picture: each spelling is taken for what it means, and of what means nothing it is
said what to do. Plain Python; the addresses are on loopback."""

import base64
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from image_to_3d.api import picture
from image_to_3d.api.errors import DownloadError, OfflineError, PictureError
from image_to_3d.api.network import Network
from image_to_3d.api.services import SERVICES
from image_to_3d.api.sources import cleaned, is_data, is_path, is_url

on_linux = pytest.mark.skipif(os.name == "nt", reason="Windows spells paths otherwise")

NAME = "Füchse #1 & 50% 'alt'.png"


@pytest.fixture
def home(tmp_path, monkeypatch, star):
    """A user's folder with a picture in it."""
    folder = tmp_path / "Eine Ablage"
    folder.mkdir()
    (folder / NAME).write_bytes(star.read_bytes())
    (folder / "fox.png").write_bytes(star.read_bytes())
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    return folder


@pytest.fixture
def stem(tmp_path):
    return tmp_path / "picture"


PATHS = {
    "as it is": "{path}",
    "in double quotes": '"{path}"',
    "in single quotes": "'{path}'",
    "in back quotes": "`{path}`",
    "in typographic quotes": "\u201c{path}\u201d",
    "in German quotes": "\u201e{path}\u201c",
    "in single typographic quotes": "\u2018{path}\u2019",
    "in French quotes": "«{path}»",
    "in French quotes with spaces": "«\u00a0{path}\u00a0»",
    "in two pairs": "\"'{path}'\"",
    "in angle brackets": "<{path}>",
    "with a space before": " {path}",
    "with a space behind": "{path} ",
    "with a line end": "{path}\n",
    "with a Windows line end": "{path}\r\n",
    "with a tab": "\t{path}\t",
    "with spaces inside of quotes": '" {path} "',
    "with a mark of the direction": "\u202a{path}",
    "with the mark of a file's beginning": "\ufeff{path}",
    "with a space without width": "{path}\u200b",
    "file URI": "file://{escaped}",
    "file URI of this host": "file://localhost{escaped}",
    "file URI with the number of this host": "file://127.0.0.1{escaped}",
    "file URI with one slash": "file:{escaped}",
    "file URI in capitals": "FILE://{escaped}",
    "file URI in quotes": '"file://{escaped}"',
    "file URI with a line end": "file://{escaped}\r\n",
    "file URI that is not escaped": "file://{folder}/fox.png",
    "file URI with four slashes": "file:///{escaped}",
    "file URI of the user's folder": "file://~/fox.png",
    "path in the user's folder": "~/fox.png",
    "quoted path in the user's folder": "'~/fox.png'",
}


@on_linux
@pytest.mark.parametrize("form", PATHS)
def test_a_path_is_found_however_it_was_pasted(stem, home, star, form):
    path = home / NAME
    source = PATHS[form].format(path=path, escaped=quote(str(path)), folder=home)
    assert is_path(cleaned(source)) and Path(cleaned(source)).is_file()
    assert picture.to_file(source, stem).read_bytes() == star.read_bytes()


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("file:///C:/Bilder/F%C3%BCchse.png", "C:/Bilder/Füchse.png"),
        ("file:///c|/fox.png", "c:/fox.png"),
        ("file://C:/fox.png", "C:/fox.png"),
        ("file://localhost/C:/fox.png", "C:/fox.png"),
        ("file:C:/fox.png", "C:/fox.png"),
        ("file:///C:\\Bilder\\fox.png", "C:\\Bilder\\fox.png"),
        ('"C:\\Bilder\\fox.png"', "C:\\Bilder\\fox.png"),
        ("\u202aC:\\Bilder\\fox.png", "C:\\Bilder\\fox.png"),
        ("//textures/fox.png", "//textures/fox.png"),  # beside the .blend, which only Blender knows
        ("'//textures/fox.png'", "//textures/fox.png"),
        ("\\\\server\\share\\fox.png", "\\\\server\\share\\fox.png"),
        ("~nobody-is-called-so/fox.png", "~nobody-is-called-so/fox.png"),
        ("~a\0b/fox.png", "~a\0b/fox.png"),
        ("fox'.png", "fox'.png"),
        ('"fox.png', '"fox.png'),
        ('"', '"'),
        ('""', ""),
        (" \n", ""),
        ("", ""),
    ],
    ids=ascii,
)
def test_a_path_stays_what_it_is(source, path):
    assert cleaned(source) == path and cleaned(path) == path


@on_linux
def test_a_file_whose_own_name_has_a_quote_or_a_space_at_its_end_is_found(stem, tmp_path, star):
    for name in ("'fox'", "fox.png ", "file:fox.png", "~fox.png"):
        (tmp_path / name).write_bytes(star.read_bytes())
        assert picture.to_file(str(tmp_path / name), stem).read_bytes() == star.read_bytes()


DATA = {
    "as it is": "data:image/png;base64,{plain}",
    "in capitals": "DATA:image/png;base64,{plain}",
    "with the whole head in capitals": "DATA:IMAGE/PNG;BASE64,{plain}",
    "with a space before": " data:image/png;base64,{plain}",
    "with a space behind the comma": "data:image/png;base64, {plain}",
    "with spaces in its head": "data: image/png ; base64 ,{plain}",
    "with a charset": "data:image/png;charset=utf-8;base64,{plain}",
    "in quotes": '"data:image/png;base64,{plain}"',
    "with a line end": "data:image/png;base64,{plain}\n",
    "in the alphabet of addresses": "data:image/png;base64,{web}",
    "in the alphabet of addresses without padding": "data:image/png;base64,{web_bare}",
    "without padding": "data:image/png;base64,{bare}",
    "with escaped padding": "data:image/png;base64,{bare}%3D%3D",
    "in lines": "data:image/png;base64,{lines}",
    "in lines with spaces": "data:image/png;base64,\r\n  {lines}",
    "with escapes": "data:image/png;base64,{escaped}",
    "without base64": "data:image/png,{percent}",
}


@pytest.mark.parametrize("size", range(3))
@pytest.mark.parametrize("form", DATA)
def test_data_are_decoded_however_they_are_spelled(stem, star, form, size):
    content = star.read_bytes() + b"\xfb\xff\xbf" + bytes(size)  # all lengths of padding, and both special letters
    plain, web = base64.b64encode(content).decode(), base64.urlsafe_b64encode(content).decode()
    assert set(web) - set(plain) == {"-", "_"}
    source = DATA[form].format(
        plain=plain,
        web=web,
        web_bare=web.rstrip("="),
        bare=plain.rstrip("="),
        lines=base64.encodebytes(content).decode(),
        escaped=quote(plain, safe=""),
        percent=quote(content),
    )
    assert is_data(cleaned(source)) and not is_path(cleaned(source)) and picture.name_of(source) == "Picture"
    file = picture.to_file(source, stem)
    assert file.name == "picture.png" and file.read_bytes() == content


ADDRESSES = {
    "as it is": "{address}/a%20fox.png",
    "in capitals": "{upper}/a%20fox.png",
    "with a space before": " {address}/a%20fox.png",
    "with a line end": "{address}/a%20fox.png\n",
    "in quotes": '"{address}/a%20fox.png"',
    "in angle brackets": "<{address}/a%20fox.png>",
    "with a space": "{address}/a fox.png",
    "with letters of other languages": "{address}/füchse 狐.png",
    "with some escapes": "{address}/f%C3%BCchse 狐.png",
}


@pytest.mark.parametrize("form", ADDRESSES)
def test_an_address_is_fetched_however_it_was_pasted(stem, web, star, form):
    served = [
        web.serve(path, star.read_bytes(), "image/png") for path in ("/a%20fox.png", "/f%C3%BCchse%20%E7%8B%90.png")
    ]
    address = served[0].removesuffix("/a%20fox.png")
    source = ADDRESSES[form].format(address=address, upper=address.replace("http", "HTTP"))
    assert is_url(cleaned(source)) and cleaned(source) in served and not picture.leaves_machine(cleaned(source))
    assert picture.name_of(source) in ("a fox", "füchse 狐")
    assert picture.to_file(source, stem).read_bytes() == star.read_bytes()


@pytest.mark.parametrize(
    "source",
    [
        "https://example.org\\@localhost/fox.png",
        "https://exam ple.org/fox.png",
        "https://example.org /fox.png",
        "https://example.org/fox\n.png",
        "https://example.org/fox\u202e.png",
        "https://example.org/fox\u00a0.png",
        "https://example.org/fox\\.png",
        "https:///fox.png",
    ],
    ids=ascii,
)
def test_an_address_that_programs_read_differently_is_refused_as_before(stem, source):
    assert picture.leaves_machine(cleaned(source))
    with pytest.raises(DownloadError):
        picture.to_file(source, stem)


@pytest.mark.parametrize(
    "source", ["HTTPS://example.org/a fox.png", " https://example.org/fox.png", '"https://bücher.example/a.png"']
)
def test_no_spelling_leaves_this_machine_offline(stem, source):
    assert picture.leaves_machine(cleaned(source))
    with pytest.raises(OfflineError):
        picture.to_file(source, stem, network=Network(online=False))


@on_linux
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("~/nothing.png", "There is no picture at .*/nothing.png: choose one that exists"),
        ("'/nowhere/fox.png'", "There is no picture at /nowhere/fox.png: choose one"),
        ("file://server/share/fox.png", "file://server/share/fox.png is on another computer: copy the picture"),
        (
            "ftp://example.org/fox.png",
            "A picture cannot be fetched from ftp:: use an address that begins with https://",
        ),
        ("blob:https://example.org/1-2-3", "cannot be fetched from blob:"),
        ("https:/example.org/fox.png", "is incomplete: it has to begin with https://"),
        ("www.example.org/fox.png", "begin it with https:// where it is an address"),
        ("example.org/fox.png", "begin it with https:// where it is an address"),
        ("localhost:8000/fox.png", "cannot be fetched from localhost:"),
        ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAA", "begin it with data:image/png;base64, where it is a picture"),
        ("data:image/png;base64,", "The data URI holds no picture"),
        ("data:,", "The data URI holds no picture"),
        ("data:image/png;base64,A", "The data URI is damaged"),
        ("data:image/png;base64,AAAA!AAA", "The data URI is damaged"),
        ("DATA:image/png", "The data URI is incomplete"),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_to_do(stem, home, source, words):
    with pytest.raises(PictureError, match=words) as refusal:
        picture.to_file(source, stem)
    assert str(refusal.value).isprintable() and len(str(refusal.value)) < 400
    assert not list(stem.parent.glob("picture*"))


@on_linux
def test_every_picture_of_a_request_is_cleaned(home):
    table = SERVICES["meshy"].parameters
    for entry in table:
        if entry.name in ("image_url", "back_image_url", "texture_image_url"):
            assert entry.check(f'"{home}/fox.png"\n') == f"{home}/fox.png"
            assert entry.check("HTTPS://example.org/a fox.png") == "https://example.org/a%20fox.png"


# What a file is


@pytest.mark.parametrize(
    ("name", "content", "ending"),
    [
        ("fox.jfif", b"", ".jfif"),
        ("fox.JP2", b"", ".jp2"),
        ("fox.psd", b"", ".psd"),
        ("fox.gif", b"", ".gif"),
        ("fox.HEIC", b"", ".heic"),
        ("fox", "PNG", ".png"),
        ("fox.picture", "PNG", ".png"),
        ("fox.txt", "PNG", ".png"),
        ("fox", b"\xff\xd8\xff\xe0\0\x10JFIF\0", ".jpg"),
    ],
)
def test_a_file_is_a_picture_by_its_ending_or_by_its_content(tmp_path, star, name, content, ending):
    file = tmp_path / name
    file.write_bytes(star.read_bytes() if content == "PNG" else content)
    picture.require_picture(file)
    assert picture.ending_for(file) == ending


@pytest.mark.parametrize("name", ["model.glb", "notes.txt", "photo", "fox.png.exe", "fox. back:*?%00"])
def test_what_is_no_picture_by_either_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"glTF\2\0\0\0 and some words")
    with pytest.raises(PictureError, match="is no picture: choose one of .png, .jpg, .jpeg, .webp or the like"):
        picture.require_picture(tmp_path / name)


def test_what_is_not_there_is_refused_by_its_ending_only(tmp_path):
    picture.require_picture(tmp_path / "fox.png")
    picture.require_picture(tmp_path / "fox")
    with pytest.raises(PictureError, match=r"fox\.txt is no picture"):
        picture.require_picture(tmp_path / "fox.txt")
