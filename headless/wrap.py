# SPDX-License-Identifier: GPL-3.0-or-later
"""Texture coordinates and maps of a body that is seen from several sides: every point takes its colour from the views
that see it best. Moves no point. Never imports bpy; numpy only.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import maps
from .bake import Ground, Layer, painted, texels_of
from .canvas import BLOCK, Canvas, canvas_of, mirrored, sampled, wide_pixels
from .charts import DIRECTIONS, charts, flat_corners, triangle_corners
from .layout import MARGIN, Layout, Plane, laid_out
from .maps import Maps
from .net import corner_areas, finer, net_of, point_normals, smoothed, summed, unit
from .pixels import Bytes, Floats, block_means, strongest
from .shape import Indices
from .sights import Sight, prevailing, sights
from .solid import Solid
from .spread import filled, wide_means
from .views import AXES, View

OPPOSITE = {"front": "back", "back": "front", "left": "right", "right": "left"}
MOST_EVENED = 1.0  # of 255, by which evening the light changes a picture in the mean
SURFACE_SIDE = 512  # texels, side of the surface map at most: it is smooth
ENOUGH = 30_000  # quads in which weights are smooth; fewer are divided for the painting
FLAT = (127.5, 127.5, 255.0)  # a normal that stands upright on the surface
UNLIKE = 30.0  # of 255: views that differ more from their mean show different things, and not different light
PLAIN = (255.0, 255.0 * maps.MATTE, 0.0)  # of the surface map: no metal, and as rough as plain things are


def wrap(solid: Solid, views: Mapping[str, View], texture_model: str, back: str) -> tuple[Floats, Maps]:
    """Texture coordinates (m, 4, 2) of the corners of each quad, v up; and the maps of `texture_model` ("baked" or
    "pbr").

    `back` says what is seen behind where no picture shows it: "mirrored" or "plain".
    """
    views = all_sides(views, back)
    net, areas = net_of(solid), corner_areas(solid)
    normals = point_normals(solid, areas)
    side, chart = charts(solid, net.across, areas)
    layout = laid_out(flat_corners(solid, side), side, chart, views)
    place = placed(solid, side, chart, layout)
    uv = (place / layout.side * [1, -1] + [0, 1]).astype(np.float32)
    while len(solid.quads) < ENOUGH:
        solid, normals = finer(solid, normals)
        side, chart = np.tile(side, 4), np.tile(chart, 4)
        net, place = net_of(solid), placed(solid, side, chart, layout)
    ends = triangle_corners(solid)
    surface = Surface(
        solid.points,
        unit(smoothed(normals, net.around, 2)),
        np.take_along_axis(np.repeat(solid.quads, 2, axis=0), ends, axis=1),
        np.take_along_axis(np.repeat(place, 2, axis=0), ends[..., None], axis=1),
        np.repeat(side, 2),
        np.repeat(chart, 2),
        net.around,
    )
    return uv, mapped(surface, views, texture_model, layout)


def all_sides(views: Mapping[str, View], back: str) -> dict[str, View]:
    """The views, and for each side that no picture shows, its opposite mirrored: things are mostly symmetric. No back
    where it is to be plain."""
    found = {}
    for name in AXES:
        if name in views:
            found[name] = views[name]
        elif OPPOSITE[name] in views and (name != "back" or back == "mirrored"):
            found[name] = mirrored(views[OPPOSITE[name]], name)
    return found


def placed(solid: Solid, side: Indices, chart: Indices, layout: Layout) -> NDArray[np.float64]:
    """Where the corners of each quad lie in the texture: (m, 4, 2) texels to the right and down."""
    flat = flat_corners(solid, side)
    first, last, metre = np.array(layout.planes)[side].T[..., None]
    place = np.stack((first + metre * flat[..., 0], last - metre * flat[..., 1]), axis=2)
    return place + layout.shift[chart][:, None]


class Surface(NamedTuple):
    """A body as it is painted: triangles, and where they lie in the texture."""

    points: Floats  # (n, 3) metres
    normals: Floats  # (n, 3)
    triangles: Indices  # (k, 3)
    place: NDArray[np.float64]  # (k, 3, 2) texels
    side: Indices  # (k,) of `DIRECTIONS`
    chart: Indices  # (k,)
    around: Indices  # (n, ...) neighbours of each point


def mapped(surface: Surface, views: Mapping[str, View], texture_model: str, layout: Layout) -> Maps:
    """The maps of a body that is laid out."""
    names = list(views)
    planes = dict(zip(DIRECTIONS, layout.planes, strict=True))
    canvases = [_canvas(views[name], planes[name], surface.points) for name in names]
    seen = sights(
        surface.points,
        surface.normals,
        surface.triangles,
        surface.around,
        [_sight(name, canvas) for name, canvas in zip(names, canvases, strict=True)],
    )
    narrow, wide = prevailing(seen, surface.around)
    colours = [canvas.colour for canvas in canvases]
    if texture_model == "pbr":
        colours = [_evenly_lit(canvas) for canvas in canvases]
    ground = _ground(surface, narrow, names, canvases, layout)
    texels = texels_of(surface.place, layout.side)
    colour = painted(texels, ground, Layer(colours, _evened(surface, narrow, wide, ground, colours)))
    if texture_model != "pbr":
        return Maps(colour, None, None)
    unseen = 1 - np.clip(summed(narrow)[:, None], 0, 1)
    bumps = [
        _as_large(maps.normals(image, canvas.matte), canvas) for image, canvas in zip(colours, canvases, strict=True)
    ]
    level = np.isin(surface.side, [k for k, name in enumerate(DIRECTIONS) if name not in AXES])
    upright = Layer(bumps, unseen * np.array(FLAT, np.float32), level, FLAT)
    normal = painted(texels.coarser(max(1, layout.side // maps.NORMAL_SIZE)), ground, upright)
    sides = ground._replace(shares=narrow[:, :0], own=np.full_like(ground.own, -1), rights=[], planes=[])
    rough = Layer([], _roughness(surface, narrow, unseen, ground, colours, canvases))
    return Maps(colour, painted(texels.coarser(max(1, layout.side // SURFACE_SIDE)), sides, rough), normal)


def _evenly_lit(canvas: Canvas) -> Bytes:
    """A canvas without the slow changes of brightness, as far as that does not take it far from its picture: soft
    borders of paint look like shading, and what one picture shows, another shows in the same colours."""
    even = maps.even_shading(canvas.colour, canvas.matte)
    few = np.s_[::BLOCK, ::BLOCK]
    moved = np.abs(even[few].astype(np.float32) - canvas.colour[few]).mean(axis=2)
    change = float((moved * canvas.matte[few]).sum() / max(float(canvas.matte[few].sum()), 1.0))
    if change <= MOST_EVENED:
        return even
    share = round(256 * MOST_EVENED / change)
    return ((canvas.colour.astype(np.uint16) * (256 - share) + even.astype(np.uint16) * share + 128) >> 8).astype(
        np.uint8
    )


def _as_large(image: Bytes, canvas: Canvas) -> Bytes:
    """A map of a canvas in its size, if it was made smaller."""
    height, width = canvas.colour.shape[:2]
    times = -(-height // image.shape[0])
    return image.repeat(times, axis=0).repeat(times, axis=1)[:height, :width] if times > 1 else image


def _roughness(
    surface: Surface,
    narrow: Floats,
    unseen: Floats,
    ground: Ground,
    colours: Sequence[Bytes],
    canvases: Sequence[Canvas],
) -> Floats:
    """What the surface map says at each point, (n, 3) 0..255."""
    total = unseen * np.array(PLAIN, np.float32)
    for k, (image, canvas) in enumerate(zip(colours, canvases, strict=True)):
        found = maps.surface(image, canvas.matte)
        plane = canvas.plane.scaled(found.shape[0] / image.shape[0])
        total = total + narrow[:, k, None] * _at_points(found, surface.points, ground.rights[k], plane)
    return total


def _at_points(image: Bytes, points: Floats, right: tuple[int, int, int], plane: Plane) -> Floats:
    """Colours (n, 3) 0..255 of an image where points lie in it."""
    x = plane.first + plane.metre * (points @ np.array(right, np.float32))
    return sampled(wide_pixels(image), x, plane.last - plane.metre * points[:, 2])[:, :3]


def _canvas(view: View, plane: Plane, points: Floats) -> Canvas:
    right = np.array(AXES[view.name][0], np.float32)
    across, up = points @ right, points[:, 2]
    return canvas_of(view, plane, np.array((across.min(), up.min())), np.array((across.max(), up.max())), MARGIN + 2)


def _sight(name: str, canvas: Canvas) -> Sight:
    right, out = AXES[name]
    small = canvas.plane.scaled(1 / BLOCK)
    return Sight(right, out, block_means(canvas.trust, BLOCK), (small.first, small.metre, small.last))


def _ground(
    surface: Surface, narrow: Floats, names: Sequence[str], canvases: Sequence[Canvas], layout: Layout
) -> Ground:
    number = [names.index(name) if name in names else -1 for name in DIRECTIONS]
    start = np.array([canvases[k].start if k >= 0 else (0, 0) for k in number])
    return Ground(
        surface.place,
        surface.triangles,
        surface.points,
        narrow,
        np.array(number, np.int32)[surface.side],
        (-layout.shift[surface.chart] - start[surface.side]).astype(np.int32),
        [AXES[name][0] for name in names],
        [canvas.plane for canvas in canvases],
    )


def _evened(surface: Surface, narrow: Floats, wide: Floats, ground: Ground, colours: Sequence[Bytes]) -> Floats:
    """What is added at each point to the views' colours: what brings views of different light together, and the
    colours of what no view sees."""
    shown = [
        _at_points(image, surface.points, right, plane)
        for image, right, plane in zip(colours, ground.rights, ground.planes, strict=True)
    ]
    target = _weighed(shown, wide) / np.maximum(summed(wide), 1e-6)[:, None]
    off = [target - seen for seen in shown]
    alike = np.stack([np.exp(-np.square(strongest(np.abs(values)[None])[0] / UNLIKE)) for values in off], axis=1)
    change = wide_means(surface.points, np.stack(off, axis=1), wide * alike)
    added = _weighed(list(change.transpose(1, 0, 2)), narrow)
    known = _weighed(shown, narrow) + added
    sure = np.clip(summed(narrow), 0, 1)
    unseen = filled(known / np.maximum(sure, 1e-6)[:, None], sure, surface.around)
    return added + (1 - sure)[:, None] * unseen


def _weighed(values: Sequence[Floats], weights: Floats) -> Floats:
    """The sum of values (n, c), each with its column of the weights."""
    total = weights[:, :1] * values[0]
    for k in range(1, len(values)):
        total += weights[:, k, None] * values[k]
    return total
