# SPDX-License-Identifier: GPL-3.0-or-later
"""A path, an http(s) URL or a data URI -> a file on disk, in a form that a service takes.

Says of a picture that is to be sent what is wrong with it; of every other, whoever opens it judges it.
"""

import base64
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from .. import files
from ..programs.program import FIT, FRAME, Command
from . import blender, first_frame, headers, whole
from .chosen import LIMIT_BYTES as LIMIT_BYTES
from .chosen import ending_for as ending_for
from .chosen import look_at as look_at
from .chosen import missing as missing
from .chosen import opened as opened
from .chosen import require_picture as require_picture
from .errors import BlenderError, PictureError
from .kinds import VIDEO_ENDINGS
from .network import USUAL, Network, is_loopback
from .sources import DATA, cleaned, is_data
from .sources import ENDINGS as ENDINGS
from .sources import LONGER_SIDE_PX as LONGER_SIDE_PX
from .sources import ending_of as ending_of
from .sources import is_path as is_path
from .sources import is_url as is_url
from .words import NAMELESS, model_name

MEDIA_TYPES = {
    "image/png": ".png",
    "image/apng": ".png",
    "image/jpeg": ".jpg",
    "image/jpg": ".jpg",
    "image/pjpeg": ".jpg",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
    "image/x-ms-bmp": ".bmp",
    "image/tiff": ".tif",
    "image/gif": ".gif",
    "image/avif": ".avif",
    "image/heic": ".heic",
    "image/heif": ".heif",
    "image/jp2": ".jp2",
    "image/jpx": ".jp2",
    "image/j2c": ".j2c",
    "image/vnd.adobe.photoshop": ".psd",
    "image/x-photoshop": ".psd",
    "image/x-psd": ".psd",
    "image/vnd-ms.dds": ".dds",
    "image/x-dds": ".dds",
    "image/x-dpx": ".dpx",
    "image/x-cineon": ".cin",
    "image/sgi": ".sgi",
    "image/x-sgi": ".sgi",
    "image/bitmap": ".bmp",
    "image/x-bmp": ".bmp",
    "image/x-png": ".png",
    "image/tga": ".tga",
    "image/x-hdr": ".hdr",
    "image/x-tga": ".tga",
    "image/x-targa": ".tga",
    "image/x-exr": ".exr",
    "image/aces": ".exr",
    "image/vnd.radiance": ".hdr",
}
"""The endings for what servers and data URIs say of pictures (IANA's list, and older names in use). Python's own table
(`mimetypes`) is not asked: on Windows it is what programs have written into the registry."""


def leaves_machine(source: str) -> bool:
    """Whether fetching `source` needs a connection to another machine. Loopback counts as offline."""
    return is_url(source) and not is_loopback(source)


def name_of(source: str) -> str:
    """Return a name for the model from where the picture lies: the file's name without its ending, fit to be shown."""
    source = cleaned(source)
    if is_data(source):
        return NAMELESS
    try:
        path = unquote(urlsplit(source).path) if is_url(source) else source
    except ValueError:  # it is no address, as whoever fetches it will say
        return NAMELESS
    return model_name(Path(path).stem)


def name_of_image(name: str) -> str:
    """Return a name for the model from that of a Blender image: without a picture's ending, and without the number
    (".001") that Blender gives a second image of that name. A dot within the name stays."""
    name = re.sub(r"\.[0-9]{3,}$", "", name)
    ending = ending_of(name)
    return model_name(name[: -len(ending)] if ending else name)


def _ending_for(media_type: str) -> str:
    """The ending for a media type, which may have parameters; "" for one that is no picture's."""
    return MEDIA_TYPES.get(media_type.partition(";")[0].strip().lower(), "")


class Fitted(NamedTuple):
    """A picture file that can be used, and a note for the user about what was done to it, or is missing from it: whole
    sentences, or ""."""

    file: Path
    note: str


def readable(
    file: Path, stem: Path, *, called: str, check_cancelled: Callable[[], None], takes_part: bool = False
) -> Fitted:
    """Return `file`, which the user knows as `called`, where Blender reads it as it is; else what it reads instead,
    written to `stem` plus an ending: the first frame of an animation, a GIF as PNG, a copy with another name.

    Of a JPEG that is cut off, what is there is taken where the caller `takes_part` of one. `check_cancelled` is called
    now and then, and may raise. Raises `PictureError` where the file is not there, or is damaged, and `OSError`.
    """
    if not os.path.isfile(file):  # also where the name is endless
        raise missing(str(file))
    note = ""
    if takes_part:
        note = whole.check_for_part(file, called, check_cancelled)
    else:
        whole.check(file, called, check_cancelled)
    made, frame_note = first_frame.still(file, stem, called, check_cancelled)
    return Fitted(as_blender_finds(made, stem), note or frame_note)


def as_blender_finds(file: Path, stem: Path) -> Path:
    """Return `file`, or a copy of it, `stem` plus its ending, where Blender would look for another file, or for a
    video.

    Blender (4.2 to 5.2) takes a backslash for a slash on Linux and macOS, too, where it may stand in a name; and a
    picture whose name ends as a video's for one. Raises `OSError`.
    """
    is_misnamed = file.suffix.lower() in VIDEO_ENDINGS
    is_lost = os.sep != "\\" and "\\" in str(file)
    if not (is_lost or is_misnamed) or not os.path.isfile(file):
        return file
    return Path(shutil.copyfile(file, stem.with_suffix("" if is_misnamed else ending_of(file.name))))


def to_file(
    source: str, stem: Path, *, network: Network = USUAL, check_cancelled: Callable[[], None] = lambda: None
) -> Path:
    """Bring the picture at `source`, spelled as people do, to `stem` plus its ending, and return that path.

    `check_cancelled` is called while a URL is fetched, and may raise. Raises `PictureError` with the reason,
    `ConnectionFailedError` where the host of a URL cannot be reached, `OfflineError` and `DownloadError` where it must
    not be asked.
    """
    if not os.path.isfile(source):  # a name that a file has is meant, whatever stands in it
        source = cleaned(source)
    if is_data(source):
        return _from_data_uri(source, stem)
    if is_url(source):
        return _from_url(source, stem, network, check_cancelled)
    if not os.path.isfile(source):
        raise missing(source)
    return _from_path(Path(source), stem)


def _from_path(path: Path, stem: Path) -> Path:
    look_at(path)
    target = stem.with_suffix(ending_of(path.name))
    shutil.copyfile(path, target)
    return target


def _from_data_uri(source: str, stem: Path) -> Path:
    header, comma, content = source[len(DATA) :].partition(",")
    if not comma:
        raise PictureError("The data URI is incomplete: it has to read data:<mediatype>;base64,<content>.")
    media_type, *attributes = (part.strip() for part in header.split(";"))
    try:
        is_base64 = "base64" in map(str.lower, attributes)
        data = _from_base64(unquote(content)) if is_base64 else unquote_to_bytes(content)
    except ValueError:  # binascii.Error is one; what is no ASCII is another
        raise PictureError("The data URI is damaged: its base64 content cannot be decoded.") from None
    if not data:
        raise PictureError("The data URI holds no picture: copy the whole of it again.")
    target = stem.with_suffix(_ending_for(media_type))
    target.write_bytes(data)
    return target


def _from_base64(text: str) -> bytes:
    """Decode base64 (RFC 4648) as it is found in data URIs: with line breaks, in the alphabet of addresses, without
    padding. Raises `ValueError`."""
    text = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _from_url(url: str, stem: Path, network: Network, check_cancelled: Callable[[], None]) -> Path:
    from http.client import responses

    from . import connection  # here, because it imports requests, which alone would slow down the start of Blender

    part = stem.with_suffix(".part")
    with connection.get(url, network=network, check_cancelled=check_cancelled) as answer:
        if answer.status != 200:
            answered = f"{answer.status} {responses.get(answer.status, '')}".strip()  # a server's own words may be any
            raise PictureError(f"The picture's address answered {answered}: check the URL.")
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        if media_type.startswith("text/"):
            raise PictureError(
                "The address leads to a web page, not to a picture: use the address of the picture itself."
            )
        size = 0
        with part.open("wb") as file:
            for piece in answer.pieces():
                size += len(piece)
                if size > LIMIT_BYTES:
                    raise PictureError(f"The picture is larger than {LIMIT_BYTES >> 20} MB: use a smaller one.")
                file.write(piece)
    return files.replace(part, stem.with_suffix(_ending_for(media_type) or _ending_in(url)))


def _ending_in(url: str) -> str:
    """The ending of the file at an address, "" where what stands there is no picture's."""
    return ending_of(urlsplit(url).path)


def fit(
    file: Path,
    stem: Path,
    find: Callable[[], Command],
    *,
    called: str,
    limit_px: int,
    may_be_flat: bool,
    sleep: Callable[[float], None],
    log: Path | None = None,
) -> Fitted:
    """Return `file` where it is a PNG or JPEG of at most `limit_px` on its longer side, else one that is made of it:
    `stem` plus its ending. Of an animation it is the first frame. What is fully transparent is of one color in it, so
    that nothing is told of what was cut away.

    The Blender that `find()` names does the work; it also looks whether there is anything to be seen, or to be
    concealed, and only that is left out where there is no Blender; what it prints goes to `log`. `sleep` is called
    meanwhile and may raise. Raises `PictureError`, which calls the file `called`, where it is no picture, damaged or
    empty (of one flat color without a shape, unless it `may_be_flat`); `BlenderError` where the work cannot be done.
    """
    file, note = readable(file, _beside(stem), called=called, check_cancelled=lambda: sleep(0.0))
    size = headers.size_of(file)
    is_fit = headers.kind_of(file) in ("PNG", "JPEG") and size is not None and max(size) <= limit_px
    try:
        command = find()
    except BlenderError:
        if is_fit:
            return Fitted(file, note)
        raise
    request = {
        "picture": str(file.absolute()),
        "called": called,
        "only_look": is_fit,
        "may_be_flat": may_be_flat,
        "conceals": True,
        "limit_px": limit_px,
        "output_stem": str(stem.absolute()),
    }
    return _made(command, FIT, request, stem, sleep, log, note, given=file)


def framed(
    file: Path,
    stem: Path,
    find: Callable[[], Command],
    *,
    called: str,
    background: Literal["white", "alpha"],
    size_px: int,
    sleep: Callable[[float], None],
    log: Path | None = None,
) -> Fitted:
    """Return a square PNG with the subject of the picture `file` in its middle: `stem` plus ".png".

    The subject is cut out as the Local service does it, and its longer side leaves a border of 7.5 % of `size_px`, the
    square's width in pixels, on both sides; where no background can be told apart, the whole picture is fitted into the
    square. `background` "white" makes the file opaque; with "alpha" it is transparent, and white where it is fully so.
    `find`, `sleep` and `log` are as for `fit`. Raises `PictureError`, which calls the file `called`, where it is no
    picture, damaged, empty or of one flat color; `BlenderError` where the work cannot be done.
    """
    file, note = readable(file, _beside(stem), called=called, check_cancelled=lambda: sleep(0.0))
    request = {
        "picture": str(file.absolute()),
        "called": called,
        "background": background,
        "size_px": size_px,
        "output": str(stem.with_suffix(".png").absolute()),
    }
    return _made(find(), FRAME, request, stem, sleep, log, note)


def _beside(stem: Path) -> Path:
    """The stem of what is made of a picture before the program gets it."""
    return stem.with_name(f"{stem.name}-read")


def _made(
    command: Command,
    module: str,
    request: dict[str, Any],
    stem: Path,
    sleep: Callable[[float], None],
    log: Path | None,
    note: str,
    given: Path | None = None,
) -> Fitted:
    """Return the file that the program `module` makes beside `stem`, or `given` where it says that this will do; and
    `note` with what the program notes.

    Raises `PictureError` where the program refuses the picture, `BlenderError`.
    """
    program = blender.start(command, module, request, stem.parent, log)
    report = blender.finished(program, sleep)
    if report.done is None:
        raise PictureError(report.error)
    file_said = report.done.get("file")
    made = Path(file_said) if isinstance(file_said, str) else Path()
    note = f"{note} {report.done['note']}".strip()
    if given and made == given.absolute():
        return Fitted(given, note)
    if made.parent != stem.parent.absolute():  # what is sent is nothing else
        raise BlenderError(program.not_understood)
    return Fitted(made, note)
