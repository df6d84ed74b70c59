# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file is by its content, and the sentence for what Blender cannot open. In plain Python."""

import gzip
import struct
import zlib

import pytest

from image_to_3d.api import headers, kinds


def ftyp(brand, *others):
    content = b"ftyp" + brand + bytes(4) + b"".join(others)
    return struct.pack(">I", 4 + len(content)) + content + struct.pack(">I", 9) + b"mdat\0"


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
PROLOGUE = b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- Created with Inkscape -->\n'
CANNOT = ", which Blender cannot open: "

NAMED = [
    ("photo.heic", ftyp(b"heic", b"mif1"), f"is a HEIC picture{CANNOT}save it as PNG or JPEG."),
    ("photo.jpg", ftyp(b"mif1", b"heic"), f"is a HEIC picture{CANNOT}save it as PNG or JPEG."),
    ("pic.avif", ftyp(b"avif"), f"is an AVIF picture{CANNOT}save it as PNG or JPEG."),
    ("pic.png", ftyp(b"mif1", b"miaf", b"avif"), f"is an AVIF picture{CANNOT}save it as PNG or JPEG."),
    ("pic.jxl", b"\xff\x0a" + bytes(9), f"is a JPEG XL picture{CANNOT}save it as PNG or JPEG."),
    ("pic.ico", b"\0\0\1\0\1\0" + bytes(20), f"is an ICO icon{CANNOT}save it as PNG or JPEG."),
    ("pic.ppm", b"P6\n4 4\n255\n", f"is a Netpbm picture{CANNOT}save it as PNG or JPEG."),
    ("pic.nef", b"MM\0*" + bytes(9), f"is a camera's raw picture{CANNOT}develop it, and save it as PNG or JPEG."),
    ("pic.cr3", ftyp(b"crx "), f"is a camera's raw picture{CANNOT}develop it, and save it as PNG or JPEG."),
    ("pic.svg", SVG, f"is an SVG drawing{CANNOT}export it as PNG."),
    ("pic.png", b"\xef\xbb\xbf" + PROLOGUE + SVG, f"is an SVG drawing{CANNOT}export it as PNG."),
    ("pic.svg", ("\ufeff" + SVG.decode()).encode("utf-16-le"), f"is an SVG drawing{CANNOT}export it as PNG."),
    ("pic.svgz", gzip.compress(SVG), f"is an SVG drawing{CANNOT}export it as PNG."),
    ("pic.xcf", b"gimp xcf v011\0", f"is a GIMP file{CANNOT}export it as PNG."),
    ("pic.kra", b"PK\x03\x04" + bytes(9), f"is a Krita file{CANNOT}export it as PNG."),
    ("pic.ai", b"%PDF-1.5\n", f"is an Illustrator drawing{CANNOT}export it as PNG."),
    ("pic.pdf", b"%PDF-1.5\n", "is a PDF document, not a picture: save the page that you want as PNG."),
    ("pic.mp4", ftyp(b"isom"), "is an MP4 video, not a picture: save the frame that you want as PNG."),
    (
        "pic.gif",
        b"\x1aE\xdf\xa3" + bytes(9),
        "is a Matroska video, not a picture: save the frame that you want as PNG.",
    ),
    ("pic.webm", b"\x1aE\xdf\xa3" + bytes(9), "is a WebM video, not a picture: save the frame that you want as PNG."),
    (
        "fox.jpg",
        b"\r\n<!DOCTYPE html><html><svg></svg></html>",
        "is a web page, not a picture: open it in a browser, and save the picture itself.",
    ),
    ("fox.zip", b"PK\x03\x04" + bytes(9), "is a ZIP archive, not a picture: unpack it, and choose a picture of it."),
    ("fox.png", b"BLENDER-v405", "is a Blender file, not a picture: render it, and choose the picture."),
    ("fox.png", b"glTF\2\0\0\0", "is a 3D model, not a picture: choose a picture."),
    ("fox.png", b"", "is an empty file: choose another."),
    ("fox.png", b"A text.", "is not a picture that can be opened: choose a PNG or JPEG file."),
    ("fox.exr", b"v/1\x01" + bytes(9), "is not a picture that can be opened, but an OpenEXR file that is"),
    (
        "fox.bmp",
        b"BM" + struct.pack("<IIIIiiHHII", 0, 0, 54, 40, 9, 9, 1, 24, 0, 0),
        "is not a picture that can be opened, as it is",
    ),
    (
        "fox.heic",
        ftyp(b"heic")[:-1],
        "is not a picture that can be opened, as it is cut off: save it anew, or choose another.",
    ),
]


@pytest.mark.parametrize(("name", "content", "sentence"), NAMED)
def test_what_cannot_be_opened_is_named_with_what_to_do(tmp_path, is_sentence, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    said = kinds.cannot_open(tmp_path / name, "My Fox")
    assert said.startswith(f"My Fox {sentence}") and is_sentence(said)


def test_what_is_no_file_is_said_too(tmp_path):
    assert kinds.cannot_open(tmp_path, "Fox") == "Fox is a folder, not a picture: choose a PNG or JPEG file."
    assert kinds.cannot_open(tmp_path / "no.png", "Fox").startswith("There is no picture at ")


def test_every_kind_has_words_or_is_opened():
    found = {kind for _, kind in kinds.STARTS} | {*kinds.BRANDS.values(), *kinds.BY_ENDING.values()}
    assert found <= {*kinds.WORDS, *kinds.OPENED}


# How large it is


def box(kind, content, *, is_long=False):
    if is_long:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def heic(*sizes, is_long=False):
    sizes = b"".join(box(b"ispe", bytes(4) + struct.pack(">II", *size)) for size in sizes)
    properties = box(b"iprp", box(b"ipco", box(b"colr", b"nclx") + sizes, is_long=is_long))
    return ftyp(b"heic") + box(b"meta", bytes(4) + box(b"hdlr", bytes(9)) + properties) + box(b"mdat", bytes(5))


def tiff(order, *entries):
    """A TIFF, or EXIF, with these tags; the type of a value is SHORT or LONG."""
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8)
    directory = struct.pack(order + "H", len(entries))
    for tag, kind, value in entries:
        directory += struct.pack(order + "HHI", tag, kind, 1) + struct.pack(order + {3: "Hxx", 4: "I"}[kind], value)
    return head + directory + bytes(4)


SIZED = [
    (b"GIF89a" + struct.pack("<HH", 40, 30), (40, 30)),
    (b"BM" + struct.pack("<IIIIii", 0, 0, 54, 40, 40, -30) + bytes(9), (40, 30)),
    (b"BM" + struct.pack("<IIIIHH", 0, 0, 26, 12, 40, 30) + bytes(9), (40, 30)),
    (b"8BPS\0\1" + bytes(6) + struct.pack(">HII", 3, 30, 40), (40, 30)),
    (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 30 +X 40\n" + bytes(9), (40, 30)),
    (b"#?RADIANCE\n\n+X 40 -Y 30\n", (40, 30)),
    (
        b"v/1\1\2\0\0\0channels\0chlist\0\1\0\0\0\0dataWindow\0box2i\0\x10\0\0\0" + struct.pack("<4i", -5, 0, 34, 29),
        (40, 30),
    ),
    (tiff("<", (256, 3, 40), (257, 4, 30)), (40, 30)),
    (tiff(">", (256, 4, 40), (257, 3, 30)), (40, 30)),
    (heic((512, 512), (4000, 3000), (160, 120)), (4000, 3000)),  # tiles, the whole, a thumbnail
    (heic((40, 30), is_long=True), (40, 30)),
    (b"\0\0\0\x0cjP  \r\n\x87\n" + box(b"jp2h", box(b"ihdr", struct.pack(">II", 30, 40) + bytes(6))), (40, 30)),
    (b"\xff\x4f\xff\x51" + bytes(4) + struct.pack(">IIII", 45, 30, 5, 0), (40, 30)),
    (heic((0, 0)), None),
    (heic((40, 30))[:70], None),
    (tiff("<", (256, 3, 40)), None),
    (b"GIF89a", None),
    (b"8BPS", None),
]


@pytest.mark.parametrize(("content", "size"), SIZED)
def test_the_size_of_other_kinds_is_read_from_their_headers(tmp_path, content, size):
    (tmp_path / "picture").write_bytes(content)
    assert headers.size_of(tmp_path / "picture") == size


def test_targa_is_known_by_its_ending_alone(tmp_path):
    content = bytes((0, 0, 2)) + bytes(9) + struct.pack("<HHBB", 40, 30, 24, 0)
    (tmp_path / "fox.TGA").write_bytes(content)
    (tmp_path / "fox").write_bytes(content)
    assert headers.kind_of(tmp_path / "fox.TGA") == "TGA" and headers.size_of(tmp_path / "fox.TGA") == (40, 30)
    assert headers.kind_of(tmp_path / "fox") == "" and headers.size_of(tmp_path / "fox") is None


# How it was held


def exif(orientation, order="<", kind=3):
    return tiff(order, (0x0100, 3, 7), (0x0112, kind, orientation))


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + bytes(4)


def png(*chunks):
    return headers.PNG_START + chunk(b"IHDR", bytes(13)) + b"".join(chunks) + chunk(b"IEND", b"")


def raw_profile(content, *, is_packed):
    text = f"\nexif\n{len(content):8}\n".encode() + content.hex().encode() + b"\n"
    name = b"Raw profile type exif\0"
    return chunk(b"zTXt", name + b"\0" + zlib.compress(text)) if is_packed else chunk(b"tEXt", name + text)


def webp(*chunks):
    content = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(content)) + content


def segment(marker, content):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(*segments):
    return b"\xff\xd8" + b"".join(segments) + segment(0xC0, bytes(15)) + b"\xff\xda"


APP1 = segment(0xE1, b"Exif\0\0" + exif(6))
IDAT = chunk(b"IDAT", bytes(100))

HELD = [
    (png(chunk(b"eXIf", exif(6)), IDAT), 6),
    (png(IDAT, chunk(b"eXIf", exif(8, ">"))), 8),
    (png(chunk(b"eXIf", b"Exif\0\0" + exif(3)), IDAT), 3),
    (png(raw_profile(b"Exif\0\0" + exif(6), is_packed=True), IDAT), 6),
    (png(raw_profile(b"Exif\0\0" + exif(5), is_packed=False), IDAT), 5),
    (png(chunk(b"zTXt", b"Raw profile type exif\0\0none"), IDAT), 1),
    (png(IDAT), 1),
    (webp((b"VP8X", bytes(10)), (b"VP8 ", bytes(21)), (b"EXIF", exif(6))), 6),
    (webp((b"VP8X", bytes(10)), (b"VP8L", bytes(21)), (b"XMP ", bytes(5)), (b"EXIF", b"Exif\0\0" + exif(7))), 7),
    (webp((b"VP8X", bytes(10)), (b"VP8 ", bytes(21))), 1),
    (exif(6), 6),
    (exif(4, ">"), 4),
    (jpeg(segment(0xE1, b"Exif\0\0" + exif(6, ">", kind=4))), 6),
    (jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"), segment(0xE1, bytes(9)), APP1), 6),
    (jpeg(b"\xff" * 9000 + APP1), 6),
    (jpeg(*[segment(0xE2, bytes(65000))] * 5, b"\xff\xff", APP1), 6),
    (jpeg(segment(0xE1, b"Exif\0\0" + exif(6)[:-12])), 1),  # the directory breaks off
    (jpeg(segment(0xE1, b"Exif\0\0" + exif(6).replace(b"\2\0", b"\xff\xff"))), 6),  # it says that it has more
    (jpeg(segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff")), 1),
    (heic((40, 30)), 1),  # Blender turns it
]


@pytest.mark.parametrize(("content", "orientation"), HELD)
def test_how_a_camera_was_held_is_read_from_every_kind(tmp_path, content, orientation):
    (tmp_path / "picture").write_bytes(content)
    assert headers.orientation_of(tmp_path / "picture") == orientation


BEHIND = {
    "32 MB of filling": jpeg(b"\xff" * (40 << 20), APP1),
    "200,000 chunks of a png": png(chunk(b"tEXt", b"") * 250_000, chunk(b"eXIf", exif(6))),
    "200,000 chunks of a webp": webp(*[(b"JUNK", b"")] * 250_000, (b"EXIF", exif(6))),
    "1,000 tags": tiff("<", *[(0x0100, 3, 7)] * 1001, (0x0112, 3, 6)),
    "a megabyte that was packed": png(raw_profile(bytes(4 << 20) + exif(6), is_packed=True)),
}


@pytest.mark.parametrize("content", BEHIND.values(), ids=BEHIND)
def test_nothing_is_looked_for_behind_what_no_honest_file_has(tmp_path, content):
    (tmp_path / "picture").write_bytes(content)
    assert headers.orientation_of(tmp_path / "picture") == 1


@pytest.mark.parametrize("box_of", [lambda rest: box(b"free", b"") + rest, lambda rest: box(b"iprp", rest)])
def test_no_more_boxes_are_looked_into_than_an_honest_file_has(tmp_path, box_of):
    rest = box(b"ispe", bytes(4) + struct.pack(">II", 40, 30))
    for _ in range(11_000):
        rest = box_of(rest)
    (tmp_path / "picture").write_bytes(ftyp(b"heic") + rest)
    assert headers.size_of(tmp_path / "picture") is None
