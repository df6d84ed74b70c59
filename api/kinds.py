# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file is by its content, whatever it is called, and the sentence for one that cannot be opened as a picture.
Decodes nothing.

Whether Blender opens a kind is not known here: it is tried, and only what failed is named. The beginnings of files are
those of the formats' own specifications; of what looks like another kind (raw pictures of cameras are TIFFs, documents
of Krita are archives), the ending of the name decides.
"""

import re
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .complete import is_cut_off
from .errors import reason_of
from .words import is_web_page, named

HEAD_BYTES = 4096  # of a file: prologues and comments may stand before what tells that it is an SVG

STARTS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\xff\x0a", "JXL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JXL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JP2"),
    (b"\xff\x4f\xff\x51", "JP2"),
    (b"8BPS", "PSD"),
    (b"v/1\x01", "EXR"),
    (b"#?RADIANCE", "HDR"),
    (b"#?RGBE", "HDR"),
    (b"DDS ", "DDS"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\2\0\1\0", "CUR"),
    (b"gimp xcf", "XCF"),
    (b"%PDF-", "PDF"),
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"\x01\0\x09\0\0\x03", "WMF"),
    (b"\x01\xda", "SGI"),
    (b"SDPX", "DPX"),
    (b"XPDS", "DPX"),
    (b"\x80\x2a\x5f\xd7", "CIN"),
    (b"\x1aE\xdf\xa3", "MKV"),
    (b"FLV\x01", "FLV"),
    (b"\0\0\1\xba", "MPEG"),
    (b"\0\0\1\xb3", "MPEG"),
    (b"glTF", "GLB"),
    (b"BLENDER", "BLEND"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"IIRO", "RAW"),
    (b"IIU\0", "RAW"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "7Z"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b", "GZIP"),
)
"""How the files of a kind begin. Short ones stand after longer ones that begin alike."""

BRANDS = {
    b"avif": "AVIF",
    b"avis": "AVIF",
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"heim": "HEIC",
    b"heis": "HEIC",
    b"hevc": "HEIC",
    b"hevx": "HEIC",
    b"mif1": "HEIC",
    b"msf1": "HEIC",
    b"crx ": "RAW",
    b"qt  ": "MOV",
}
"""What the box "ftyp" says (ISO/IEC 14496-12, 23008-12; AV1 Image File Format). Any other brand is a video's."""

RAW_ENDINGS = (".dng", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".cr2", ".pef", ".orf", ".rw2", ".raf", ".3fr", ".erf")
"""Of cameras' raw pictures that are TIFFs, in which the picture of the first directory is often a small preview."""

BY_ENDING = {
    ("ZIP", ".kra"): "KRA",
    ("ZIP", ".ora"): "ORA",
    ("PDF", ".ai"): "AI",
    ("EPS", ".ai"): "AI",
    ("GZIP", ".svgz"): "SVG",
    ("MKV", ".webm"): "WEBM",
    **{("TIFF", ending): "RAW" for ending in RAW_ENDINGS},
}
"""What a kind with this ending really is."""


class _Words(NamedTuple):
    """How a kind is named in a sentence, and what the user does to get a picture of it."""

    name: str
    advice: str = "save it as PNG or JPEG"
    what: str = ", which Blender cannot open"


NOT_A_PICTURE = ", not a picture"
_FRAME = "save the frame that you want as PNG"
_UNPACK = "unpack it, and choose a picture of it"
_EXPORT = "export it as PNG"

WORDS = {
    "HEIC": _Words("a HEIC picture"),
    "AVIF": _Words("an AVIF picture"),
    "JXL": _Words("a JPEG XL picture"),
    "ICO": _Words("an ICO icon"),
    "CUR": _Words("a mouse cursor"),
    "PNM": _Words("a Netpbm picture"),
    "PCX": _Words("a PCX picture"),
    "RAW": _Words("a camera's raw picture", "develop it, and save it as PNG or JPEG"),
    "XCF": _Words("a GIMP file", _EXPORT),
    "KRA": _Words("a Krita file", _EXPORT),
    "ORA": _Words("an OpenRaster file", _EXPORT),
    "SVG": _Words("an SVG drawing", _EXPORT),
    "AI": _Words("an Illustrator drawing", _EXPORT),
    "EPS": _Words("a PostScript drawing", _EXPORT),
    "WMF": _Words("a Windows metafile", _EXPORT),
    "EMF": _Words("a Windows metafile", _EXPORT),
    "PDF": _Words("a PDF document", "save the page that you want as PNG", NOT_A_PICTURE),
    "MP4": _Words("an MP4 video", _FRAME, NOT_A_PICTURE),
    "MOV": _Words("a QuickTime video", _FRAME, NOT_A_PICTURE),
    "MKV": _Words("a Matroska video", _FRAME, NOT_A_PICTURE),
    "WEBM": _Words("a WebM video", _FRAME, NOT_A_PICTURE),
    "AVI": _Words("an AVI video", _FRAME, NOT_A_PICTURE),
    "FLV": _Words("a Flash video", _FRAME, NOT_A_PICTURE),
    "MPEG": _Words("an MPEG video", _FRAME, NOT_A_PICTURE),
    "GLB": _Words("a 3D model", "choose a picture", NOT_A_PICTURE),
    "BLEND": _Words("a Blender file", "render it, and choose the picture", NOT_A_PICTURE),
    "HTML": _Words("a web page", "open it in a browser, and save the picture itself", NOT_A_PICTURE),
    "ZIP": _Words("a ZIP archive", _UNPACK, NOT_A_PICTURE),
    "RAR": _Words("a RAR archive", _UNPACK, NOT_A_PICTURE),
    "7Z": _Words("a 7z archive", _UNPACK, NOT_A_PICTURE),
    "GZIP": _Words("a compressed file", _UNPACK, NOT_A_PICTURE),
}
"""What Blender opens nowhere, or not everywhere."""

OPENED = {
    "PNG": "a PNG file",
    "JPEG": "a JPEG file",
    "WEBP": "a WebP file",
    "GIF": "a GIF file",
    "BMP": "a BMP file",
    "TIFF": "a TIFF file",
    "TGA": "a Targa file",
    "EXR": "an OpenEXR file",
    "HDR": "a Radiance HDR file",
    "PSD": "a Photoshop file",
    "JP2": "a JPEG 2000 file",
    "DDS": "a DDS file",
    "SGI": "an SGI file",
    "DPX": "a DPX file",
    "CIN": "a Cineon file",
}
"""What every Blender opens, but for what is damaged or of a rare sort; a GIF is turned into a PNG before."""

VIDEO_ENDINGS = frozenset(
    (
        *(".avi", ".avs", ".divx", ".dv", ".flc", ".flv", ".gif", ".m2t", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov"),
        *(".movie", ".mp4", ".mpeg", ".mpg", ".mpg2", ".mts", ".mv", ".mxf", ".ogg", ".ogv", ".r3d", ".ts", ".vob"),
        *(".webm", ".wmv", ".xvid"),
    )
)
"""Endings that Blender (4.2 to 5.2, `bpy.path.extensions_movie`) takes for a video's, whatever the file is. Everywhere
else it goes by the content, also where a name has no ending."""


def kind_of(file: Path) -> str:
    """Return what `file` is by its first bytes: a key of `OPENED` or `WORDS`, "EMPTY" where there are none, "" for what
    is not known. Raises `OSError`.

    The name counts only where content cannot tell: for what is a special sort of another kind, and for Targa, whose
    files begin like no others.
    """
    with file.open("rb") as stream:
        kind = kind_in(stream)
    ending = file.suffix.lower()
    if kind == "" and ending == ".tga":
        return "TGA"
    return BY_ENDING.get((kind, ending), kind)


def kind_in(stream: BinaryIO) -> str:
    """The same of what is read from its start on, without a name. The stream stands at its start again afterwards."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if not head:
        return "EMPTY"
    for start, kind in STARTS:
        if head.startswith(start):
            return "RAW" if kind == "TIFF" and head[8:10] == b"CR" else kind
    if head[:4] == b"RIFF":
        return {b"WEBP": "WEBP", b"AVI ": "AVI"}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return _kind_of_boxes(head)
    if head[:2] == b"BM" and head[14:18] in (b"\x0c\0\0\0", b"\x28\0\0\0", b"\x38\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0"):
        return "BMP"
    if head[:4] == b"\1\0\0\0" and head[40:44] == b" EMF":
        return "EMF"
    if re.match(rb"P[1-7]\s", head):
        return "PNM"
    if head[0] == 0x0A and head[1:2] in (b"\0", b"\2", b"\3", b"\5") and head[2:3] == b"\1":
        return "PCX"
    return _kind_of_text(head)


def _kind_of_boxes(head: bytes) -> str:
    """By the brand, and by those that it is compatible with where that one stands for several kinds."""
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))]
    if brands[0] in (b"mif1", b"msf1"):
        brands = [brand for brand in brands if brand in (b"avif", b"avis")] + brands
    return BRANDS.get(brands[0], "MP4")


def _kind_of_text(head: bytes) -> str:
    """By what stands first in a text, also in one of two bytes a character."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.replace(b"\0", b"")[2:]
    if is_web_page(head):
        return "HTML"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<") and re.search(rb"<(?:\w+:)?svg[\s/>]", text):
        return "SVG"
    if re.match(rb"<(?:head|body|script|meta|title)\b", text) or (text.startswith(b"<") and b"<html" in text):
        return "HTML"
    return ""


def cannot_open(path: Path, called: str) -> str:
    """Return the sentence for the file at `path`, which the user knows as `called` and Blender could not open as a
    picture: what it is, and what to do. For whoever has tried; reads a few kilobytes, and never raises."""
    try:
        kind = kind_of(path)
    except IsADirectoryError:
        return f"{called} is a folder, not a picture: choose a PNG or JPEG file."
    except FileNotFoundError:
        return f"There is no picture at {named(path)}: choose one that exists."
    except OSError as error:
        return f"{called} cannot be opened ({reason_of(error)}): check its file."
    if kind == "EMPTY":
        return f"{called} is an empty file: choose another."
    if _is_cut_off(path, kind):
        return f"{called} is not a picture that can be opened, as it is cut off: save it anew, or choose another."
    if kind in WORDS:
        words = WORDS[kind]
        return f"{called} is {words.name}{words.what}: {words.advice}."
    if kind in OPENED and kind not in ("PNG", "JPEG"):
        return (
            f"{called} is not a picture that can be opened, but {OPENED[kind]} that is damaged or of a rare sort: "
            "save it anew as PNG or JPEG, or choose another."
        )
    return f"{called} is not a picture that can be opened: choose a PNG or JPEG file."


def _is_cut_off(path: Path, kind: str) -> bool:
    try:
        with path.open("rb") as stream:
            return is_cut_off(stream, kind)
    except OSError:  # it has just been taken away
        return False
