# SPDX-License-Identifier: GPL-3.0-or-later
"""What is cut off or damaged is said by how the file is built, in plain Python."""

import contextlib
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest

from image_to_3d.api import whole
from image_to_3d.api.errors import PictureError

PICTURES = Path(__file__).parents[1] / "pictures"

DAMAGED = r"^fox is cut off or damaged: open it and save it anew, or choose another\.$"


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(pixel_bytes, *, size=(40, 30), depth=8, kind=6, interlaced=0, pieces=1, before=b""):
    """A PNG that has so many bytes of pixels, in so many chunks."""
    header = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, interlaced)
    content = zlib.compress(bytes(number * 7 % 256 for number in range(pixel_bytes)))
    step = -(-len(content) // pieces)
    data = b"".join(chunk(b"IDAT", content[start : start + step]) for start in range(0, len(content), step))
    return whole.PNG_START + chunk(b"IHDR", header) + before + data + chunk(b"IEND", b"")


RGBA = 30 * (1 + 40 * 4)  # bytes, one more a row for its filter


def segment(marker, content):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


SCAN = segment(0xDA, bytes(10)) + b"\x12\xff\x00\x34\xff\xd0\x56"  # with a stuffed byte, and a marker to start anew at
FRAME = segment(0xC2, bytes(15))
THUMBNAIL = segment(0xE1, b"Exif\0\0\xff\xd8" + FRAME + SCAN + b"\xff\xd9")
JPEG = b"\xff\xd8" + THUMBNAIL + FRAME + SCAN + b"\xff\xff" + segment(0xC4, bytes(20)) + SCAN + b"\xff\xd9"


def riff(*chunks):
    content = b"WEBP"
    for kind, data in chunks:
        content += kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def webp(flags=0, *more):
    return riff((b"VP8X", bytes([flags]) + bytes(9)), *more, (b"VP8 ", b"\x01" * 21), (b"EXIF", bytes(5)))


def frame(*chunks):
    """A frame of an animated WebP, 40 x 30 pixels."""
    parts = b"".join(kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks)
    return b"ANMF", bytes(6) + bytes((39, 0, 0, 29, 0, 0)) + bytes(4) + parts


def animated(*frames):
    return riff((b"VP8X", bytes((0x02,)) + bytes(9)), (b"ANIM", bytes(6)), *frames)


@pytest.fixture
def check(tmp_path):
    def check(content, check_cancelled=lambda: None):
        (tmp_path / "file").write_bytes(content)
        whole.check(tmp_path / "file", "fox", check_cancelled)

    return check


def tiff(length, packing=1):
    """A directory of a picture of 5 x 4 pixels, and behind it `length` bytes of them."""
    tags = ((256, 5), (257, 4), (259, packing), (262, 2), (273, 86), (279, length))
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + directory + bytes(4) + b"\x55" * length


WHOLE = {
    "png": png(RGBA),
    "png in pieces": png(RGBA, pieces=7, before=chunk(b"tEXt", b"Title\0Fox")),
    "png with something after it": png(RGBA) + b"more",
    "png with more pixels than it has": png(RGBA + 100),
    "png of 16 bits": png(30 * (1 + 40 * 6), depth=16, kind=2),
    "png of 1 bit": png(30 * (1 + 5), depth=1, kind=3),
    "png of 2 bits": png(2 * (1 + 2), size=(5, 2), depth=2, kind=0),
    "interlaced png": png(
        # by hand: the seven passes of 5 x 3 pixels have 1x1, 1x1, 2x0, 1x1, 3x1, 2x2 and 5x1 of them
        (1 + 3) + (1 + 3) + 0 + (1 + 6) + (1 + 9) + 2 * (1 + 6) + (1 + 15),
        size=(5, 3),
        kind=2,
        interlaced=1,
    ),
    "jpeg": JPEG,
    "jpeg with something after it": JPEG + bytes(1000) + b"\xff",
    "jpeg with a large segment": JPEG[:2] + segment(0xE2, bytes(65000)) * 3 + JPEG[2:],
    "webp": webp(0x10),
    "webp of one chunk": riff((b"VP8L", b"\x2f" + bytes(10))),
    "webp with something after it": webp() + b"more",
    "animated webp": animated(frame((b"ALPH", b"\x01" * 5), (b"VP8 ", b"\x01" * 21)), frame((b"VP8L", b"\x2f" * 9))),
    "another format": b"BM" + bytes(100),
    "psd": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 2, 4, 8, 3) + bytes(12) + b"\0\0" + bytes(24),
    "packed psd": b"8BPS\0\1"
    + bytes(6)
    + struct.pack(">HIIHH", 1, 2, 4, 8, 3)
    + bytes(12)
    + b"\0\1\0\2\0\3"
    + bytes(5),
    "dds": b"DDS " + struct.pack("<IIII", 124, 0, 4, 8) + bytes(64) + b"DXT1" + bytes(40) + bytes(16),
    "sgi": b"\x01\xda\x00\x01" + struct.pack(">HHHH", 3, 5, 4, 3) + bytes(500) + bytes(60),
    "tiff": tiff(60),
    "packed tiff": tiff(17, packing=5),
    "nothing": b"",
}


@pytest.mark.parametrize("content", WHOLE.values(), ids=WHOLE)
def test_what_is_whole_is_let_through(check, content):
    check(content)


@pytest.mark.parametrize("file", sorted(PICTURES.glob("*.*g")), ids=lambda file: file.name)
def test_real_pictures_are_let_through_and_not_without_their_end(check, file):
    content = file.read_bytes()
    check(content)
    for length in (len(content) - 1, len(content) * 95 // 100, len(content) // 2, 200):
        with pytest.raises(PictureError, match=DAMAGED):
            check(content[:length])


def changed(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


BROKEN = {
    "png without its end": png(RGBA)[:-12],
    "png with half an end": png(RGBA)[:-1],
    "png without a chunk": png(RGBA)[:33] + png(RGBA)[-12:],
    "png with a changed pixel": changed(png(RGBA), 60),
    "png with a changed size": changed(png(RGBA), 18),
    "png with a changed text": changed(png(RGBA, before=chunk(b"tEXt", b"Title\0Fox")), 45),
    "png with a row less": png(RGBA - 161),
    "png with a byte less": png(RGBA - 1),
    "interlaced png with a byte less": png(53 - 1 - 1, size=(5, 3), kind=2, interlaced=1),
    "png that is not compressed": whole.PNG_START + png(RGBA)[8:33] + chunk(b"IDAT", b"pixels") + chunk(b"IEND", b""),
    "png of an unknown kind": png(RGBA, kind=5),
    "png without pixels": png(0, size=(0, 0)),
    "png that says it is endless": png(RGBA)[:33] + b"\xff\xff\xff\xffIDAT" + png(RGBA)[41:],
    "beginning of a png": png(RGBA)[:12],
    "only the start of a png": whole.PNG_START,
    "jpeg without its end": JPEG[:-2],
    "jpeg with half an end": JPEG[:-1],
    "jpeg that ends in its thumbnail": JPEG[: len(THUMBNAIL)],
    "jpeg without a picture": b"\xff\xd8" + THUMBNAIL + FRAME + b"\xff\xd9",
    "beginning of a jpeg": b"\xff\xd8\xff",
    "webp without its end": webp()[:-1],
    "webp with a chunk that is too long": riff((b"VP8 ", bytes(20)))[:-8],
    "webp without a picture": riff((b"VP8X", bytes(10))),
    "webp that says it is shorter": riff((b"VP8 ", bytes(20))).replace(b"\x14\0\0\0", b"\x54\0\0\0"),
    "empty webp": riff(),
    "animated webp without a frame": webp(0x12),
    "webp with the beginning of an animation": webp(0, (b"ANIM", bytes(6))),
    "frame without a picture": riff((b"ANMF", bytes(30))),
    "frame with a picture that is cut off": animated(frame((b"VP8L", b"\x2f" * 9))).replace(b"VP8L\x09", b"VP8L\x59"),
    **{
        f"{kind} without its end": WHOLE[kind][:-1]
        for kind in ("psd", "packed psd", "dds", "sgi", "tiff", "packed tiff")
    },
    "beginning of a psd": WHOLE["psd"][:20],
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_is_damaged_is_said(check, content):
    with pytest.raises(PictureError, match=DAMAGED):
        check(content)


PROGRESSIVE = JPEG[: -len(SCAN) - 2]  # as there is another scan
BASELINE = (b"\xff\xd8" + FRAME + SCAN).replace(b"\xff\xc2", b"\xff\xc0")


@pytest.mark.parametrize(
    ("content", "lost"),
    [(BASELINE, "its lower part is missing"), (PROGRESSIVE, "some of it is missing"), (JPEG, "")],
)
def test_what_is_there_of_a_jpeg_can_be_taken_with_a_note(tmp_path, content, lost):
    (tmp_path / "file").write_bytes(content)
    note = whole.check_for_part(tmp_path / "file", "fox.jpg", lambda: None)
    assert note == (f"fox.jpg is cut off, so {lost}: get the whole file if the model should have it." if lost else "")


@pytest.mark.parametrize(
    "content",
    [
        JPEG[: len(THUMBNAIL)],
        b"\xff\xd8" + FRAME,
        b"\xff\xd8" + FRAME + SCAN[:8],
        b"\xff\xd8" + FRAME + SCAN[:12],
        *(BROKEN[name] for name in ("png without its end", "webp without its end", "psd without its end")),
    ],
)
def test_of_what_has_no_pixels_nothing_is_taken(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(PictureError, match=DAMAGED):
        whole.check_for_part(tmp_path / "file", "fox", lambda: None)


def test_a_small_file_that_unpacks_to_much_is_not_held_in_memory(check):
    """200 MB in 1 MB, for a small picture and for one that claims terabytes."""
    packer = zlib.compressobj(1)
    zeros = bytes(1 << 20)
    content = b"".join(packer.compress(zeros) for _ in range(200)) + packer.flush()
    header = struct.pack(">IIBBBBB", 40, 30, 8, 6, 0, 0, 0)
    ending = chunk(b"IDAT", content) + chunk(b"IEND", b"")
    huge = struct.pack(">IIBBBBB", 2_000_000, 2_000_000, 8, 6, 0, 0, 0)  # the background Blender says that it is
    tracemalloc.start()
    for head in (header, struct.pack(">IIBBBBB", 8000, 6000, 8, 6, 0, 0, 0), huge):
        with contextlib.suppress(PictureError):  # the second has pixels for more than all
            check(whole.PNG_START + chunk(b"IHDR", head) + ending)
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("content", [png(RGBA), JPEG])
def test_who_cancels_is_heard(check, content):
    class Cancelled(Exception):
        pass

    def check_cancelled():
        raise Cancelled

    with pytest.raises(Cancelled):
        check(content, check_cancelled)
