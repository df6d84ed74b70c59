# SPDX-License-Identifier: GPL-3.0-or-later
"""Of an animation the first frame is taken, as a still picture that every Blender opens."""

import random
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from drawing import png
from once import once

from image_to_3d.api import first_frame, headers, picture
from image_to_3d.api.errors import PictureError

pytestmark = once

ANIMATION = "fox is an animation: its first frame was taken."
DAMAGED = r"^fox is cut off or damaged: open it and save it anew, or choose another\.$"


def pattern(height=30, width=40, number=0):
    """A picture with every pixel another, and a transparent corner."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack((x * 6 % 256, y * 8 % 256, (x + y + 40 * number) % 256, np.full_like(x, 255)), 2).astype(np.uint8)
    pixels[:5, :5, 3] = 0
    return pixels


def seen(file):
    """The pixels (height, width, 4) that Blender shows of a file, top row first."""
    import bpy

    image = bpy.data.images.load(str(file))
    width, height = image.size
    values = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return (values.reshape(height, width, 4)[::-1] * 255 + 0.5).astype(np.uint8)


def assert_shows(file, pixels):
    found = seen(file)
    opaque = pixels[..., 3] > 0
    assert (found[..., 3] == pixels[..., 3]).all() and (found[opaque] == pixels[opaque]).all()


@pytest.fixture
def still(tmp_path):
    def still(content, check_cancelled=lambda: None):
        file = tmp_path / "picture"
        file.write_bytes(content)
        return first_frame.still(file, tmp_path / "made", "fox", check_cancelled)

    return still


# WebP


def riff(*chunks):
    content = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(content)) + content


def parts(webp):
    """The chunks of a still WebP."""
    place = 12
    while place + 8 <= len(webp):
        kind, size = struct.unpack_from("<4sI", webp, place)
        yield kind, webp[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


@pytest.fixture(scope="module")
def webp_of(tmp_path_factory):
    """Makes a still WebP, with or without loss, of pixels."""
    import bpy

    def webp_of(pixels, *, quality=100):
        path = tmp_path_factory.mktemp("webp") / "a.webp"
        image = bpy.data.images.new("Picture", pixels.shape[1], pixels.shape[0], alpha=True)
        image.pixels.foreach_set((pixels[::-1] / np.float32(255)).ravel())
        image.filepath_raw, image.file_format = str(path), "WEBP"
        image.save(quality=quality)
        bpy.data.images.remove(image)
        return path.read_bytes()

    return webp_of


def animated(width, height, *frames, more=()):
    """An animated WebP of still ones, each at a place (x, y)."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks = [(b"VP8X", bytes((0x12, 0, 0, 0)) + size), *more[:1], (b"ANIM", bytes(6))]
    for (x, y), still in frames:
        wide, high = headers_size(still)
        head = b"".join((value).to_bytes(3, "little") for value in (x // 2, y // 2, wide - 1, high - 1, 100)) + b"\0"
        kept = [(kind, data) for kind, data in parts(still) if kind in (b"ALPH", b"VP8 ", b"VP8L")]
        chunks.append((b"ANMF", head + riff(*kept)[12:]))
    return riff(*chunks, *more[1:])


def headers_size(content):
    import io

    return headers.size_in(io.BytesIO(content))


@pytest.mark.parametrize("quality", [100, 60])
def test_the_first_frame_of_a_webp_is_what_the_still_picture_is(still, tmp_path, webp_of, quality):
    first, second = webp_of(pattern(), quality=quality), webp_of(pattern(number=1), quality=quality)
    made, note = still(animated(40, 30, ((0, 0), first), ((0, 0), second)))
    assert (made, note) == (tmp_path / "made.webp", ANIMATION)
    (tmp_path / "first.webp").write_bytes(first)
    assert_shows(made, seen(tmp_path / "first.webp"))
    assert seen(made)[..., :3].std() > 20


def test_a_frame_that_covers_a_part_stands_alone_and_keeps_what_is_told_of_the_picture(still, webp_of):
    small = webp_of(pattern(20, 24))
    exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0" + bytes(4)
    made, _ = still(
        animated(60, 50, ((10, 8), small), ((0, 0), small), more=[(b"ICCP", b"some profile"), (b"EXIF", exif)])
    )
    assert headers.size_of(made) == (24, 20) and headers.orientation_of(made) == 6
    assert b"ICCP\x0c\0\0\0some profile" in made.read_bytes()
    assert_shows(made, pattern(20, 24))


def test_an_animation_of_one_frame_is_a_picture(still, webp_of):
    made, note = still(animated(40, 30, ((0, 0), webp_of(pattern()))))
    assert note == ""
    assert_shows(made, pattern())


# PNG


def chunks_of(content):
    place = 8
    while place < len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        yield content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        place += 12 + length


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def apng(shown, *frames, is_first=True):
    """An animated PNG that shows `shown` where animations are not known; that is the first frame where `is_first`."""
    pictures = (shown, *frames) if is_first else frames
    made, number = headers.PNG_START, 0
    for kind, content in chunks_of(png(shown)):
        if kind == b"IHDR":
            made += (
                chunk(kind, content) + chunk(b"acTL", struct.pack(">II", len(pictures), 0)) + chunk(b"tEXt", b"a\0b")
            )
            continue
        if kind == b"IEND":
            continue
        if is_first:
            made += control(number, shown)
            number += 1
        made += chunk(kind, content)
    for frame in frames:
        data = dict(chunks_of(png(frame)))[b"IDAT"]
        half = len(data) // 2
        made += control(number, frame)
        made += chunk(b"fdAT", struct.pack(">I", number + 1) + data[:half])
        made += chunk(b"fdAT", struct.pack(">I", number + 2) + data[half:])
        number += 3
    return made + chunk(b"IEND", b"")


def control(number, pixels):
    height, width, _ = pixels.shape
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, 0, 0, 1, 10, 0, 0))


def test_of_an_animated_png_what_belongs_to_the_animation_goes(still, tmp_path):
    made, note = still(apng(pattern(), pattern(number=1), pattern(number=2)))
    assert (made, note) == (tmp_path / "made.png", ANIMATION)
    assert [kind for kind, _ in chunks_of(made.read_bytes())] == [b"IHDR", b"tEXt", b"IDAT", b"IEND"]
    assert_shows(made, pattern())


def test_the_first_frame_of_a_png_may_be_another_picture_than_the_one_that_is_shown(still):
    made, _ = still(apng(pattern(), pattern(20, 24, number=1), pattern(number=2), is_first=False))
    assert_shows(made, pattern(20, 24, number=1))


# GIF


def codes_of(pixels, bits):
    """Compress the numbers of colours as GIF does it, with a full table of codes."""
    clear, held, count = 1 << bits, 0, 0
    table, width = {(value,): value for value in range(clear)}, bits + 1
    made = bytearray()

    def put(code):
        nonlocal held, count
        held |= code << count
        count += width
        while count >= 8:
            made.append(held & 255)
            held >>= 8
            count -= 8

    put(clear)
    following, run = clear + 2, ()
    for value in pixels:
        if (*run, value) in table:
            run = (*run, value)
            continue
        put(table[run])
        if following < 4096:
            table[(*run, value)] = following
            if following == 1 << width and width < 12:
                width += 1
            following += 1
        else:
            put(clear)
            table, width, following = {(value,): value for value in range(clear)}, bits + 1, clear + 2
        run = (value,)
    put(table[run])
    put(clear + 1)
    if count:
        made.append(held & 255)
    return bytes((bits,)) + b"".join(
        bytes((len(made[at : at + 255]),)) + made[at : at + 255] for at in range(0, len(made), 255)
    )


def order_of(height, is_interlaced):
    rows = list(range(height))
    return [*rows[0::8], *rows[4::8], *rows[2::4], *rows[1::2]] if is_interlaced else rows


def gif(numbers, palette, *, frames=1, is_interlaced=False, transparent=None, has_own_table=False, before=b""):
    height, width = numbers.shape
    bits = len(palette).bit_length() - 1
    table = bytes(np.asarray(palette, np.uint8).ravel())
    made = b"GIF89a" + struct.pack("<HHBBB", width + 3, height + 2, 0 if has_own_table else 0x80 | bits - 1, 0, 0)
    made += b"" if has_own_table else table
    for number in range(frames):
        made += before
        if transparent is not None:
            made += b"\x21\xf9\x04\x01\0\0" + bytes((transparent, 0))
        flags = 0x40 * is_interlaced | (0x80 | bits - 1 if has_own_table else 0)
        made += b"\x2c" + struct.pack("<HHHHB", 1, 1, width, height, flags) + (table if has_own_table else b"")
        rows = np.roll(numbers, number)[order_of(height, is_interlaced)]
        made += codes_of(rows.ravel().tolist(), max(2, bits)) + b"\0"
    return made + b"\x3b"


def drawn(numbers, palette, transparent=None):
    pixels = np.full((*numbers.shape, 4), 255, np.uint8)
    pixels[..., :3] = np.asarray(palette, np.uint8)[numbers]
    if transparent is not None:
        pixels[numbers == transparent, 3] = 0
    return pixels


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize(
    "options",
    [{}, {"is_interlaced": True}, {"transparent": 1}, {"has_own_table": True}, {"before": b"\x21\xfe\x02hi\0"}],
    ids=str,
)
def test_a_gif_becomes_a_png_of_the_same_pixels(still, tmp_path, bits, options):
    chance = np.random.default_rng(bits)
    palette = chance.integers(0, 256, (1 << bits, 3)).tolist()
    numbers = chance.integers(0, 1 << bits, (83, 91))
    numbers[20:60] = numbers[20, 0]  # long runs, and codes that stand for what they just become
    made, note = still(gif(numbers, palette, **options))
    assert (made, note) == (tmp_path / "made.png", "")
    assert_shows(made, drawn(numbers, palette, options.get("transparent")))


def test_of_a_gif_that_moves_the_first_frame_is_taken_and_that_is_said(still):
    palette, numbers = [[0, 0, 0], [255, 0, 0]], np.eye(9, dtype=int)
    made, note = still(gif(numbers, palette, frames=3))
    assert note == ANIMATION
    assert_shows(made, drawn(numbers, palette))


WHOLE = gif(np.random.default_rng(0).integers(0, 16, (30, 40)), [[number] * 3 for number in range(16)])


@pytest.mark.parametrize(
    "content",
    [
        WHOLE[:-20],
        WHOLE[: len(WHOLE) // 2],
        WHOLE[:13],
        WHOLE[:6],
        WHOLE[:61] + b"\x3b",
        WHOLE[:71] + b"\x63" + WHOLE[72:],
    ],
)
def test_a_gif_that_is_cut_off_or_damaged_is_said(still, content):
    with pytest.raises(PictureError, match=DAMAGED):
        still(content)


def test_what_comes_behind_the_first_frame_of_a_gif_may_be_missing(still):
    assert still(WHOLE[:-1])[1] == ""


def test_a_gif_that_says_it_is_huge_takes_no_memory(still):
    huge = WHOLE[: 13 + 48] + b"\x2c" + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + WHOLE[13 + 48 + 10 :]
    tracemalloc.start()
    with pytest.raises(
        PictureError, match=r"^fox is 65535 x 65535 pixels, too large for a GIF: save it as PNG or JPEG\."
    ):
        still(huge)
    assert tracemalloc.get_traced_memory()[1] < 2 << 20
    tracemalloc.stop()


def test_spoiled_files_end_in_a_sentence(still, webp_of):
    webp = animated(40, 30, ((0, 0), webp_of(pattern())), ((0, 0), webp_of(pattern())))
    chance = random.Random(5)
    for content in (webp, apng(pattern(), pattern()), apng(pattern(), pattern(), is_first=False), WHOLE):
        for _ in range(300):
            spoiled = bytearray(content[: chance.randrange(8, len(content) + 1)])
            for _ in range(3):
                spoiled[chance.randrange(min(len(spoiled), chance.choice((60, 2000))))] = chance.randrange(256)
            try:
                still(bytes(spoiled))
            except PictureError as error:
                assert str(error).endswith(".")


def test_who_cancels_is_heard(still, webp_of):
    class Cancelled(Exception):
        pass

    def check_cancelled():
        raise Cancelled

    for content in (WHOLE, apng(pattern(), pattern()), animated(40, 30, ((0, 0), webp_of(pattern())))):
        with pytest.raises(Cancelled):
            still(content, check_cancelled)


# As it is used


@pytest.mark.parametrize("name", ["fox.gif", "fox.png", "fox.mp4"])
def test_what_is_sent_of_an_animation_is_a_still_picture_and_the_note_says_so(connect, server, tmp_path, star, name):
    numbers = np.random.default_rng(0).integers(0, 16, (30, 40))
    (tmp_path / name).write_bytes(gif(numbers, [[9 * number] * 3 for number in range(16)], frames=2))
    meshy = connect(server, "meshy")
    notes = []
    meshy.create({"image_url": str(tmp_path / name)}, before_sending=lambda: notes.append(meshy.picture_note))
    assert notes == [f"{name} is an animation: its first frame was taken."]
    assert server.creates[0].parameters["image_url"].media_type == "image/png"
    meshy.create({"image_url": str(star)})
    assert meshy.picture_note == "", "it is that of the last request"


@pytest.mark.parametrize("ending", [".gif", ".MP4", ".mov", ".png", ""])
def test_a_picture_is_found_whatever_its_name_ends_with(tmp_path, ending):
    file = tmp_path / f"fox{ending}"
    file.write_bytes(png(pattern()))
    made = picture.readable(file, tmp_path / "made", called="fox", check_cancelled=lambda: None)
    assert made.note == ""
    assert_shows(made.file, pattern())
