# SPDX-License-Identifier: GPL-3.0-or-later
"""Arithmetic on pictures held as numpy arrays: shrink, blur, sample, label, fill. Never imports bpy nor opens a file.

An array's first axis runs down the picture, its second to the right; a third, where there is one, holds channels.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

LEAST_SIGMA = 6.0  # pixels: what is blurred more may be made smaller before

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Rec. 709


def shrink(picture: Bytes, longest: int) -> Floats:
    """The picture (uint8) as floats 0..1, averaged down by the least whole factor that fits it into `longest`."""
    height, width = picture.shape[:2]
    factor = min(-(-max(height, width) // longest), max(1, min(height, width) // 16))  # slivers are not averaged away
    if factor == 1:
        return picture.astype(np.float32) / np.float32(255)
    channels = picture.reshape(height, width, -1)
    # Whole blocks first, then the incomplete ones at the right and the bottom edge by repeating the last pixels.
    channels = np.pad(channels, ((0, -height % factor), (0, -width % factor), (0, 0)), mode="edge")
    rows = np.zeros((channels.shape[0] // factor, channels.shape[1], channels.shape[2]), np.uint16)
    for offset in range(factor):
        rows += channels[offset::factor]
    total = np.zeros((rows.shape[0], rows.shape[1] // factor, rows.shape[2]), np.uint32)
    for offset in range(factor):
        total += rows[:, offset::factor]
    mean = total.astype(np.float32) / np.float32(255 * factor * factor)
    return mean.reshape(mean.shape[:2] + picture.shape[2:])


def luminance(colour: Floats) -> Floats:
    """Luma of an (h, w, 3 or 4) array of sRGB values, in the same range."""
    return colour[..., 0] * LUMA[0] + colour[..., 1] * LUMA[1] + colour[..., 2] * LUMA[2]


def window_mean(image: Floats, down: NDArray[np.float64], right: NDArray[np.float64], window: float) -> Floats:
    """Mean of `image` over square windows (side in pixels) centred on each pair of `down` x `right`, in pixels.

    Pixels are squares: pixel 0 spans 0..1. What lies outside counts as zero. Windows of a pixel or more make the result
    continuous, so that it may be sampled finer than the pixels.
    """
    half = window / 2
    for centres in (down, right):
        size = image.shape[0]
        sums = np.zeros((size + 1, image.shape[1]), np.float64)
        sums[1:] = image
        run_down(sums)
        low, high = (_at_rows(sums, np.clip(centres + offset, 0, size)) for offset in (-half, half))
        image = ((high - low) / window).astype(np.float32).T  # after two turns the axes are back in place
    return image


def run_down(values: NDArray) -> None:
    """Make each row the sum of all down to it, in place: `cumsum(axis=0)`, only five times as fast."""
    for row in range(1, len(values)):
        values[row] += values[row - 1]


def _at_rows(sums: NDArray[np.float64], position: NDArray[np.float64]) -> NDArray[np.float64]:
    first = np.minimum(position.astype(np.int64), len(sums) - 2)
    part = (position - first)[:, None]
    return sums[first] * (1 - part) + sums[first + 1] * part


def bilinear(image: Floats, down: NDArray[np.floating], right: NDArray[np.floating]) -> Floats:
    """Values of an (h, w) array at points (pixel coordinates, centre of pixel 0 at 0.5).

    They are constant beyond the outermost centres.
    """
    y = np.clip(down - 0.5, 0, image.shape[0] - 1)
    x = np.clip(right - 0.5, 0, image.shape[1] - 1)
    top, left = y.astype(np.int64), x.astype(np.int64)
    bottom, rest = np.minimum(top + 1, image.shape[0] - 1), np.minimum(left + 1, image.shape[1] - 1)
    y, x = (y - top).astype(np.float32), (x - left).astype(np.float32)
    flat, top, bottom = image.ravel(), top * image.shape[1], bottom * image.shape[1]
    upper = flat.take(top + left) * (1 - x) + flat.take(top + rest) * x
    lower = flat.take(bottom + left) * (1 - x) + flat.take(bottom + rest) * x
    return upper * (1 - y) + lower * y


def enlarge(image: Floats, height: int, width: int) -> Floats:
    """An (h, w) or (h, w, c) array stretched to a larger size, bilinearly."""
    for axis, size in ((0, height), (1, width)):
        old = image.shape[axis]
        position = np.clip((np.arange(size) + 0.5) * (old / size) - 0.5, 0, old - 1)
        first = position.astype(np.int64)
        part = (position - first).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(image.ndim)])
        after = np.minimum(first + 1, old - 1)
        image = image.take(first, axis) * (1 - part) + image.take(after, axis) * part
    return image


def blur(image: Floats, sigma: float) -> Floats:
    """Three box blurs, which together are close to a Gaussian of `sigma` pixels; the border is repeated outward."""
    radius = max(1, round((np.sqrt(4 * sigma * sigma + 1) - 1) / 2))
    for axis in (0, 1):
        padding = [(0, 0)] * image.ndim
        padding[axis] = 3 * radius, 3 * radius
        image = np.pad(image.astype(np.float32, copy=False), padding, mode="edge")
        for _ in range(3):
            image = _sums(image, 2 * radius + 1, axis) * np.float32(1 / (2 * radius + 1))
    return image


def _sums(image: Floats, many: int, axis: int) -> Floats:
    """The sum of so many pixels along an axis (0 or 1) from each on, as long as there are so many.

    Sums of 1, 2, 4, ... are doubled and put together: exact enough in float32, and faster than running sums.
    """
    length = image.shape[axis] - many + 1
    run, size, done = image, 1, 0
    total = np.float32(0)
    while True:
        if many & size:
            total = total + (run[done : done + length] if axis == 0 else run[:, done : done + length])
            done += size
        if 2 * size > many:
            return total
        run = run[:-size] + run[size:] if axis == 0 else run[:, :-size] + run[:, size:]
        size *= 2


def strongest(image: Floats) -> Floats:
    """The highest channel of each pixel of an (h, w, 3) array: `max(axis=2)`, only much faster."""
    return np.maximum(np.maximum(image[..., 0], image[..., 1]), image[..., 2])


def blur_inside(image: Floats, weight: Floats, sigma: float) -> Floats:
    """Blur that takes from where `weight` is high, so that the background does not leak into the shape."""
    return blur(image * weight, sigma) / (blur(weight, sigma) + np.float32(1e-4))


def blur_inside_widely(image: Floats, weight: Floats, sigma: float) -> Floats:
    """`blur_inside`, of a smaller picture where that is as smooth: for a level's difference (of 255) in a tenth of
    the time."""
    factor = int(sigma / LEAST_SIGMA)
    if factor < 2:
        return blur_inside(image, weight, sigma)
    height, width = image.shape
    total = blur(block_means(weight, factor), sigma / factor) + np.float32(1e-4)
    around = blur(block_means(image * weight, factor), sigma / factor) / total
    return enlarge(around, *(size * factor for size in around.shape))[:height, :width]


def block_means(image: Floats, factor: int) -> Floats:
    """An (h, w) or (h, w, c) array averaged down by a whole factor; its border is repeated to fill the last blocks."""
    padding = [(0, -size % factor) for size in image.shape[:2]] + [(0, 0)] * (image.ndim - 2)
    padded = np.pad(image, padding, mode="edge")
    rows = padded[::factor].astype(np.float32)
    for offset in range(1, factor):
        rows += padded[offset::factor]
    total = rows[:, ::factor].copy()
    for offset in range(1, factor):
        total += rows[:, offset::factor]
    return total * np.float32(1 / (factor * factor))


def grow(mask: NDArray, steps: int) -> NDArray:
    """The highest value within `steps` pixels (in a square): a mask grows, a picture's bright spots widen."""
    for axis in (0, 1):
        for _ in range(steps):
            moved = mask.copy()
            inner = np.moveaxis(moved, axis, 0)
            source = np.moveaxis(mask, axis, 0)
            np.maximum(inner[1:], source[:-1], out=inner[1:])
            np.maximum(inner[:-1], source[1:], out=inner[:-1])
            mask = moved
    return mask


def rim_of(shape: tuple[int, ...]) -> Mask:
    """The outermost pixels of a picture of that shape (h, w)."""
    rim = np.ones(shape, np.bool_)
    rim[1:-1, 1:-1] = False
    return rim


def label(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number the parts of a mask that hang together by edges.

    Returns (h, w) numbers, 0 where the mask is false, and how many pixels carry each number. Works on runs of pixels in
    a row, joined to the lowest-numbered run they touch until nothing changes: a few passes, whatever the picture.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 1), np.bool_)
    padded[:, :-1] = mask
    flat = padded.ravel()
    starts = flat & ~np.concatenate(([False], flat[:-1]))
    run = np.cumsum(starts, dtype=np.int32) * flat
    runs = run.reshape(height, width + 1)
    touching = (runs[1:] > 0) & (runs[:-1] > 0)
    touching[:, 1:] &= ~touching[:, :-1]  # two runs touch in one stretch: its first pixel says it
    pairs = np.stack((runs[1:][touching], runs[:-1][touching]))
    root = lowest_linked(pairs, int(run.max(initial=0)) + 1)
    numbers = np.unique(root, return_inverse=True)[1].astype(np.int32)[runs[:, :-1]]
    return numbers, np.bincount(numbers.ravel())


def lowest_linked(pairs: NDArray, count: int) -> NDArray[np.int32]:
    """For each of the numbers from 0 to `count` the lowest that it is linked to by pairs (2, n) of them, however many
    links away."""
    root = np.arange(count, dtype=np.int32)
    while True:
        low = np.minimum(root[pairs[0]], root[pairs[1]])
        joined = root.copy()
        for end in pairs:
            np.minimum.at(joined, root[end], low)
        while not np.array_equal(joined, joined[joined]):
            joined = joined[joined]
        if np.array_equal(joined, root):
            return root
        root = joined


def fill_outward(colour: Floats, weight: Floats) -> Floats:
    """Give every pixel the colour of the weighted pixels near it.

    Averages are pulled up a pyramid, then pushed back down.
    """
    height, width = weight.shape
    if height * width <= 4:
        mean = (colour * weight[..., None]).sum((0, 1)) / max(float(weight.sum()), 1e-6)
        return np.broadcast_to(mean, colour.shape).astype(np.float32)
    padding = ((0, height % 2), (0, width % 2))
    weighted = np.pad(np.dstack((colour * weight[..., None], weight)), (*padding, (0, 0)))
    quarter = weighted[::2, ::2] + weighted[1::2, ::2] + weighted[::2, 1::2] + weighted[1::2, 1::2]
    sums = quarter[..., 3]
    coarse = fill_outward(quarter[..., :3] / np.maximum(sums, 1e-6)[..., None], np.minimum(sums, 1))
    pushed = enlarge(coarse, height + height % 2, width + width % 2)[:height, :width]
    return colour * weight[..., None] + pushed * (1 - weight[..., None])
