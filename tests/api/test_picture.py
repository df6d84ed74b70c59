# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures come from paths, addresses and data URIs, over real HTTP on loopback. Plain Python."""

import base64
import mimetypes
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from drawing import png, read_png
from once import once
from scripted import http

from image_to_3d.api import blender, headers, picture
from image_to_3d.api.errors import ConnectionFailedError, PictureError
from image_to_3d.api.services.rows import VIEWS

pytestmark = once

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
        ("data:image/png;base64,\u00fc", "data URI is damaged"),
        ("data:image/png;base64,\ud83d", "data URI is damaged"),
        ("data:image/png,\ud83d", "data URI is damaged"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(stem, source, words):
    with pytest.raises(PictureError, match=words):
        picture.to_file(source, stem)


MEDIA_TYPES = {
    "image/png": ".png",
    "IMAGE/PNG": ".png",
    "image/jpeg": ".jpg",
    "image/jpg": ".jpg",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
    "image/x-exr": ".exr",
    "image/vnd.radiance": ".hdr",
    "image/x-tga": ".tga",
    "": "",
    "application/octet-stream": "",
    "application/x-msdownload": "",
    "image/svg+xml": "",
    "image/../../png": "",
}


@pytest.fixture
def other_table(monkeypatch):
    """Python's own table of media types as a registry of Windows may have it, where each program writes what it
    likes."""
    monkeypatch.setattr(mimetypes, "guess_extension", lambda *_, **__: ".exe")


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_a_data_uri_s_ending_comes_from_a_table_of_our_own(stem, other_table, media_type):
    for said in (media_type, f"{media_type};charset=utf-8"):
        file = picture.to_file(f"data:{said};base64,{base64.b64encode(PNG).decode()}", stem)
        assert file.name == f"picture{MEDIA_TYPES[media_type]}" and file.read_bytes() == PNG


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_so_does_that_of_a_fetched_picture_before_the_address_is_asked(stem, scripted, other_table, media_type):
    for said in (media_type, f"{media_type} ; charset=utf-8"):
        scripted.say(http(PNG, Content_Type=said))
        ending = MEDIA_TYPES[media_type]
        assert picture.to_file(f"{scripted.url}/fox.TIFF?x=.bmp", stem).name == f"picture{ending or '.tiff'}"
        assert picture.to_file(f"{scripted.url}/fox.php", stem).name == f"picture{ending}"


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("fox.PNG", ".png"),
        ("fox.JpEg", ".jpeg"),
        ("Mr. Fox.tif", ".tif"),
        ("fox.tiff", ".tiff"),
        ("fox", ""),
        ("Mr. Fox", ""),
        ("fox.exe", ""),
        ("fox.png.exe", ""),
        ("fox.p%00g", ""),
        ("fox.png:stream", ""),
        ("fox.png ", ""),
        ("fox.png\\..", ""),
        ("fox." + "x" * 200, ""),
        ("x" * 246 + ".png", ".png"),
        ("\u0436" * 100 + ".exr", ".exr"),
        ('a: * ? " < >.hdr', ".hdr"),
    ],
    ids=ascii,
)
def test_of_what_a_user_s_file_is_called_only_a_known_ending_stays(stem, tmp_path, name, ending):
    folder = tmp_path / "given"
    folder.mkdir()
    try:
        (folder / name).write_bytes(PNG)
    except (OSError, UnicodeError):
        pytest.skip("this system has no such files")
    file = picture.to_file(str(folder / name), stem)
    assert file.name == f"picture{ending}" and file.read_bytes() == PNG
    assert picture.ending_of(name) == ending


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the names of files are text")
def test_a_file_whose_name_is_no_text_is_brought_too(stem, tmp_path):
    source = os.fsencode(tmp_path) + b"/f\xfcchslein.png"
    with open(source, "wb") as file:
        file.write(PNG)
    assert picture.to_file(os.fsdecode(source), stem).name == "picture.png"


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("Mr. Fox", "Mr. Fox"),
        ("Mr. Fox.png", "Mr. Fox"),
        ("fox.JPG", "fox"),
        ("fox.001", "fox"),
        ("fox.png.001", "fox"),
        ("Mr. Fox.1000", "Mr. Fox"),
        ("fox.12", "fox.12"),
        ("v1.2 final", "v1.2 final"),
        (".png", "Picture"),
        ("", "Picture"),
    ],
)
def test_a_model_is_called_after_the_whole_name_of_an_image(called, name):
    assert picture.name_of_image(called) == name


def test_a_file_that_no_machine_could_open_is_not_even_copied(stem, tmp_path):
    source = tmp_path / "fox.png"
    with source.open("wb") as file:
        file.truncate(picture.LIMIT_BYTES + 1)  # all of it a hole, which takes no room
    with pytest.raises(PictureError, match="fox.png is larger than 512 MB"):
        picture.to_file(str(source), stem)
    assert not list(tmp_path.glob("picture*"))


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


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (os.fsdecode(b"/pictures/f\xfcchslein.png"), "f\ufffdchslein"),
        ("/pictures/fox\ud83d.png", "fox\ufffd"),
        ("/pictures/\x1b[31mred\x1b[0m\nfox\x07.png", "red fox"),
        ("/pictures/\u202egnp.xof\u2066\u200b.png", "gnp.xof"),
        ("/pictures/\u200b.png", "Picture"),
        ("/", "Picture"),
        ("..", "Picture"),
        ("https://example.org/", "Picture"),
        ("https://[bad/fox.png", "Picture"),
        ("https://example.org/%1b%5B31mred%00%0Afox%E2%80%AE.png?Signature=abc", "red fox"),
        ("https://example.org/%ff%ed%a0%bd.png", "\ufffd" * 4),
        ("https://example.org/a%2F..%2F%2e%2e.png", "Picture"),
        ("/pictures/" + "long " * 40 + ".png", "long " * 19 + "long…"),
    ],
    ids=ascii,
)
def test_a_name_can_be_shown_whatever_the_file_is_called(source, name):
    assert picture.name_of(source) == name


def test_the_words_of_a_stranger_s_server_are_no_command(stem, scripted):
    scripted.say(http(b"", "404 \x1b[31mGone\x1b[0m" + " again" * 100))
    with pytest.raises(PictureError) as refusal:
        picture.to_file(f"{scripted.url}/fox.png", stem)
    assert str(refusal.value).startswith("The picture's address answered 404 Not Found")
    assert str(refusal.value).isprintable() and len(str(refusal.value)) < 150


@pytest.mark.parametrize("ending", [".p\u00fcg", "." + "x" * 300, ".tar.{gz}"])
def test_what_is_no_ending_is_none_of_the_file_s(stem, scripted, ending):
    scripted.say(http(PNG, Content_Type="application/x-nobody-knows"))
    assert picture.to_file(f"{scripted.url}/fox{ending}", stem).name == "picture"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the names of files are text")
def test_what_is_said_of_a_file_can_be_shown(stem, tmp_path):
    missing = os.fsdecode(os.fsencode(tmp_path) + b"/f\xfcchslein\x1b[31m.png")
    with pytest.raises(PictureError, match="There is no picture at .*/f\ufffdchslein.png: choose") as refusal:
        picture.to_file(missing, stem)
    assert str(refusal.value).isprintable()


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


PICTURES = Path(__file__).parents[1] / "pictures"


def segment(marker, content):
    return b"\xff" + bytes([marker]) + (len(content) + 2).to_bytes(2, "big") + content


def jpeg(frame, *before):
    """The beginning of a JPEG of 300 x 200 pixels, with these segments before its frame header."""
    size = segment(frame, b"\x08" + (200).to_bytes(2, "big") + (300).to_bytes(2, "big") + b"\x03")
    return b"\xff\xd8" + b"".join(before) + size + b"\xff\xda"


def webp(kind, content):
    """A WebP with this chunk first."""
    chunk = kind + len(content).to_bytes(4, "little") + content
    return b"RIFF" + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP" + chunk


def exif(orientation, order="little"):
    """The EXIF of a camera held in another way; a tag about something else comes before."""
    start = {"little": b"II*\0", "big": b"MM\0*"}[order] + (8).to_bytes(4, order) + (2).to_bytes(2, order)
    tags = [(0x0100, 3), (0x0112, orientation)]
    entries = [
        tag.to_bytes(2, order) + (3).to_bytes(2, order) + (1).to_bytes(4, order) + value.to_bytes(2, order) + bytes(2)
        for tag, value in tags
    ]
    return segment(0xE1, b"Exif\0\0" + start + b"".join(entries))


EXIF = segment(0xE1, b"Exif\0\0" + jpeg(0xC0) + bytes(5000))  # with a thumbnail that has a size of its own


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (PNG, (1, 1)),
        (jpeg(0xC0), (300, 200)),
        (jpeg(0xC2), (300, 200)),  # progressive
        (jpeg(0xC2, segment(0xC4, bytes(30))), (300, 200)),  # C4 holds Huffman tables
        (jpeg(0xC0, EXIF), (300, 200)),
        (jpeg(0xC0, EXIF, segment(0xE2, bytes(65000)), b"\xff\xff"), (300, 200)),
        (jpeg(0xC0, EXIF, *[segment(0xE2, bytes(65000))] * 6), (300, 200)),  # a color profile may be megabytes
        (webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + bytes([44, 0x41, 200, 0x80])), (300, 200)),  # two bits are a scale
        (webp(b"VP8L", b"\x2f" + (299 | 199 << 14).to_bytes(4, "little")), (300, 200)),
        (webp(b"VP8X", bytes(4) + (299).to_bytes(3, "little") + (199).to_bytes(3, "little")), (300, 200)),
        (webp(b"VP8X", bytes(9)), None),
        (webp(b"ALPH", bytes(90)), None),
        (jpeg(0xC0)[:-12], None),
        (b"\xff\xd8\xff", None),
        (PNG[:20], None),
        (PNG.replace(b"IHDR", b"CgBI"), None),  # a chunk that only Apple's programs know
        (b"GIF89a", None),
        (b"RIFF\0\0\0\0WEBPVP8 ", None),
        (b"", None),
    ],
)
def test_the_size_of_a_png_or_jpeg_is_read_from_its_header(tmp_path, content, size):
    file = tmp_path / "picture"
    file.write_bytes(content)
    assert headers.size_of(file) == size


@pytest.mark.parametrize(
    ("content", "orientation"),
    [
        (jpeg(0xC0, exif(6)), 6),
        (jpeg(0xC0, exif(3, "big")), 3),
        (
            jpeg(0xC0, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0"), b"\xff", exif(8)),
            8,
        ),  # fill bytes before a marker
        (jpeg(0xC0, *[segment(0xE2, bytes(65000))] * 6, exif(5)), 5),
        (jpeg(0xC0, exif(9)), 1),
        (jpeg(0xC0, exif(6)[:30]), 1),
        (jpeg(0xC0) + b"\0\x0c" + bytes(10) + exif(6), 1),  # behind the compressed data begins
        (jpeg(0xC0), 1),
        (PNG, 1),
    ],
)
def test_how_a_camera_was_held_is_read_from_the_header(tmp_path, content, orientation):
    file = tmp_path / "picture"
    file.write_bytes(content)
    assert headers.orientation_of(file) == orientation


@pytest.mark.parametrize("name", ["bear.png", "horse.jpg", "retina.jpg"])
def test_the_size_of_a_real_picture_is_what_blender_sees(name):
    import bpy

    image = bpy.data.images.load(str(PICTURES / name))
    assert headers.size_of(PICTURES / name) == tuple(image.size)
    bpy.data.images.remove(image)


@pytest.mark.parametrize(
    ("name", "parameters", "media_type"),
    [("bear.png", {}, "image/png"), ("horse.jpg", {}, "image/jpeg")],
)
def test_what_a_service_takes_is_sent_as_it_is(meshy, server, name, parameters, media_type):
    meshy.create({"image_url": str(PICTURES / name)})
    assert server.creates[0].parameters["image_url"][:2] == (media_type, (PICTURES / name).stat().st_size)


@pytest.mark.parametrize("limit_px", [4096, 48], ids=["as large as it is", "scaled down"])
def test_a_service_is_told_nothing_of_what_was_cut_away(star, tmp_path, limit_px):
    pixels = read_png(star.read_bytes())
    hidden = pixels[..., 3] == 0
    pixels[hidden, :3] = np.random.default_rng(5).integers(0, 256, (hidden.sum(), 3))
    cut_out = tmp_path / "Fox Cutout.png"
    cut_out.write_bytes(png(pixels))
    command = blender.find_blender()
    options = {"called": "Fox", "limit_px": limit_px, "may_be_flat": False, "sleep": lambda seconds: None}
    made, note = picture.fit(cut_out, tmp_path / "fitted", lambda: command, **options)
    sent = read_png(made.read_bytes())
    assert note == "" and max(sent.shape) == min(96, limit_px)
    assert len(np.unique(sent[sent[..., 3] == 0], axis=0)) == 1 and (sent[..., 3] == 0).any()
    assert cut_out.read_bytes() == png(pixels)
    if limit_px > 96:
        assert (sent[~hidden] == pixels[~hidden]).all() and (sent[..., 3] == pixels[..., 3]).all()


def webp(path):
    import bpy

    image = bpy.data.images.new("Picture", 40, 30)
    image.pixels.foreach_set(np.linspace(0.2, 1, 40 * 30 * 4, dtype=np.float32))
    image.filepath_raw, image.file_format = str(path), "WEBP"
    image.save()
    bpy.data.images.remove(image)
    assert path.read_bytes()[8:12] == b"WEBP"


def test_what_no_service_takes_is_converted_and_nothing_is_left_behind(connect, server, tmp_path):
    webp(tmp_path / "fox.png")  # endings lie
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    connect(server, "meshy", folder=scratch).create({"image_url": str(tmp_path / "fox.png")})
    assert server.creates[0].parameters["image_url"].media_type == "image/png"
    assert [entry.name for entry in scratch.iterdir()] == ["log.txt"]  # what Blender has printed


def test_a_picture_that_is_too_large_is_scaled_down_and_the_user_s_stays_as_it_is(connect, server):
    bear = PICTURES / "bear.png"
    before = bear.read_bytes()
    sent = []
    service = connect(server, "csm", picture_limit_px=48, sleep=sent.append)
    service.create({"image_url": str(bear)})
    assert server.creates[0].parameters["image_url"].size < len(before) / 4 and bear.read_bytes() == before
    assert 0.1 in sent, "who waits is asked while Blender works"


def test_a_data_uri_is_looked_at_and_sent_as_what_it_is(meshy, server, star):
    meshy.create({"image_url": data_uri(star.read_bytes(), "image/jpeg")})
    assert server.creates[0].parameters["image_url"][:2] == ("image/png", star.stat().st_size)


@pytest.mark.parametrize("content", [b"", b"this is no picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_a_file_that_is_no_picture_is_never_sent(meshy, server, tmp_path, is_sentence, content):
    broken = tmp_path / "broken.png"
    broken.write_bytes(content)
    with pytest.raises(PictureError) as refusal:
        meshy.create({"image_url": str(broken)}, before_sending=lambda: pytest.fail("sent"))
    assert is_sentence(str(refusal.value)) and not server.requests


def data_uri(content, media_type="image/png"):
    return f"data:{media_type};base64," + base64.b64encode(content).decode()


def one_color(width, height, color):
    return png(np.full((height, width, 4), color, np.uint8))


def cut_off(name):
    content = (PICTURES / name).read_bytes()
    return content[: len(content) * 9 // 10]


UNFIT = [
    (lambda: cut_off("bear.png"), "is cut off or damaged: open it and save it anew, or choose another."),
    (lambda: cut_off("horse.jpg"), "is cut off or damaged: open it and save it anew, or choose another."),
    (lambda: one_color(40, 30, (0, 0, 0, 0)), "is fully transparent: choose one that shows something."),
    (
        lambda: one_color(40, 30, (9, 9, 9, 255)),
        "is one flat color without any shape: choose one that shows something.",
    ),
]


@pytest.mark.parametrize(("make", "sentence"), UNFIT)
def test_of_what_shows_no_picture_no_task_is_made(meshy, csm, server, star, tmp_path, make, sentence):
    fox = tmp_path / "fox.png"
    fox.write_bytes(make())
    requests = [
        (csm, {"image_url": str(fox)}, "fox.png"),
        (csm, {"image_url": data_uri(make())}, "The picture"),
        (meshy, {"image_url": str(fox)}, "fox.png"),
        (meshy, {"image_url": str(star), "texture_image_url": str(fox)}, "fox.png"),
        (meshy, {"image_url": str(star), "texture_image_url": data_uri(make())}, "The picture in Texture Image"),
    ]
    if "flat" in sentence:  # a texture may be flat
        requests = requests[:3]
    for view in VIEWS:
        requests.append((meshy, {"image_url": str(star), view: str(fox)}, "fox.png"))
    for service, parameters, called in requests:
        with pytest.raises(PictureError) as refusal:
            service.create(parameters, before_sending=lambda: pytest.fail("sent"))
        assert str(refusal.value) == f"{called} {sentence}"
    assert not server.requests


def test_a_texture_may_be_of_one_flat_color(meshy, server, star, tmp_path):
    flat = tmp_path / "gold.png"
    flat.write_bytes(one_color(40, 30, (200, 150, 9, 255)))
    meshy.create({"image_url": str(star), "texture_image_url": str(flat)})
    assert len(server.creates) == 1


def test_a_job_s_copy_of_a_picture_has_no_name_that_the_user_knows(connect, server, tmp_path):
    (tmp_path / "picture.png").write_bytes(cut_off("bear.png"))
    service = connect(server, "meshy", folder=tmp_path)
    with pytest.raises(PictureError, match="^The picture is cut off or damaged"):
        service.create({"image_url": str(tmp_path / "picture.png")})
    assert not server.requests


WITHOUT_BLENDER = """
import sys
from pathlib import Path
from image_to_3d import api
from image_to_3d.api.errors import BlenderError, PictureError
server, key, *files = sys.argv[1:]
for file in files:
    try:
        api.connect("meshy", key=key, url=server, network=api.Network(online=False)).create({"image_url": file})
        print("sent")
    except (BlenderError, PictureError) as error:
        print(type(error).__name__)
"""


def test_without_a_blender_what_is_whole_is_sent_all_the_same(server, star, tmp_path):
    """In a Python that has what `api` needs, and no bpy."""
    modules = tmp_path / "modules"
    modules.mkdir()
    for name in ("requests", "urllib3", "certifi", "idna", "charset_normalizer"):
        (modules / name).symlink_to(Path(find_spec(name).origin).parent)
    (modules / "image_to_3d").symlink_to(PICTURES.parents[1])
    (tmp_path / "cut.png").write_bytes(cut_off("bear.png"))
    (tmp_path / "other.tga").write_bytes(bytes(100))
    files = [str(star), str(tmp_path / "cut.png"), str(tmp_path / "other.tga")]
    code = f"import sys; sys.path.insert(0, {str(modules)!r})" + WITHOUT_BLENDER
    command = [sys.executable, "-S", "-I", "-c", code, server.meshy_url, server.meshy_key, *files]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "PATH": ""})
    assert ended.stdout.split() == ["sent", "PictureError", "BlenderError"], ended.stderr
    assert [create.parameters["image_url"].size for create in server.creates] == [star.stat().st_size]


def test_without_a_blender_that_is_said(connect, server, star, tmp_path):
    from image_to_3d.api.errors import BlenderError

    service = connect(server, "csm", picture_limit_px=48, blender=["/nowhere/blender"])
    with pytest.raises(BlenderError, match="there is no /nowhere/blender"):
        service.create({"image_url": str(star)})
    assert not server.requests
