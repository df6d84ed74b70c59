# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's windows show of a scene: its view layers, and its 3D Views. Changes nothing."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import bpy
from mathutils import Matrix, Vector

from .boxes import Box

LYING_OVER = {"UI", "TOOLS", "HEADER", "TOOL_HEADER", "ASSET_SHELF", "ASSET_SHELF_HEADER"}
"""The regions that Blender draws over a 3D View."""

HIDDEN_SHARE = 0.5  # of the picture of a box, so far behind another that it is hidden


class Pictured(NamedTuple):
    """A box as the view shows it: its rectangle in the region (-1 to 1 each way), and how far away its middle is."""

    left: float
    bottom: float
    right: float
    top: float
    depth: float


class View:
    """A 3D View as it is now, and the part of it that nothing lies over."""

    def __init__(self, area: bpy.types.Area, region: bpy.types.Region, space: bpy.types.SpaceView3D) -> None:
        self.space = space
        self._matrix: Matrix = space.region_3d.perspective_matrix.copy()
        self._from_world: Matrix = space.region_3d.view_matrix.copy()
        self._free = _free_part(area, region)
        self._aspect = region.width / max(region.height, 1)
        self.eye: Vector | None = (
            self._from_world.inverted_safe().translation if space.region_3d.is_perspective else None
        )
        """Where it is looked from; None where that is far away from everything."""

    def pictured(self, box: Box) -> Pictured | None:
        """How a box looks, None where a part of it lies behind the eye."""
        spots = []
        for corner in box.corners():
            spot = self._matrix @ Vector((*corner, 1.0))
            if spot.w <= 0.0:
                return None
            spots.append((spot.x / spot.w, spot.y / spot.w))
        depth = -(self._from_world @ Vector(box.center)).z
        xs, ys = zip(*spots, strict=True)
        return Pictured(min(xs), min(ys), max(xs), max(ys), depth)

    def shows(self, box: Box) -> bool:
        """Whether the whole box lies in the part of the view that nothing lies over."""
        found = self.pictured(box)
        left, bottom, right, top = self._free
        return (
            found is not None
            and left <= found.left
            and found.right <= right
            and bottom <= found.bottom
            and found.top <= top
        )

    def hides(self, front: Box, behind: Box) -> bool:
        """Whether `front` covers most of `behind`."""
        near, far = self.pictured(front), self.pictured(behind)
        if near is None or far is None or far.depth <= near.depth:
            return False
        width = min(near.right, far.right) - max(near.left, far.left)
        height = min(near.top, far.top) - max(near.bottom, far.bottom)
        area = (far.right - far.left) * (far.top - far.bottom)
        return width > 0 and height > 0 and width * height > HIDDEN_SHARE * area

    def covered(self, box: Box, other: Box) -> float:
        """How much of the picture of a box lies in that of another, before or behind it, as a share of it."""
        one, over = self.pictured(box), self.pictured(other)
        if one is None or over is None:
            return 1.0
        width = min(one.right, over.right) - max(one.left, over.left)
        height = min(one.top, over.top) - max(one.bottom, over.bottom)
        area = (one.right - one.left) * (one.top - one.bottom)
        return max(0.0, width) * max(0.0, height) / area if area > 0.0 else 1.0

    def sideways(self, first: Box, second: Box) -> float:
        """How far the middles of two boxes are apart to the left or right, in heights of the region."""
        one, other = self.pictured(first), self.pictured(second)
        if one is None or other is None:
            return 0.0
        return abs(one.left + one.right - other.left - other.right) / 4 * self._aspect


def _free_part(area: bpy.types.Area, region: bpy.types.Region) -> Sequence[float]:
    """Left, bottom, right, top of what no sidebar or header lies over, from -1 to 1."""
    left, bottom, right, top = region.x, region.y, region.x + region.width, region.y + region.height
    for over in area.regions:
        if over.type not in LYING_OVER or over.width <= 1 or over.height <= 1:
            continue
        if over.height > over.width:
            if over.x + over.width / 2 < region.x + region.width / 2:
                left = max(left, over.x + over.width)
            else:
                right = min(right, over.x)
        elif over.y + over.height / 2 < region.y + region.height / 2:
            bottom = max(bottom, over.y + over.height)
        else:
            top = min(top, over.y)
    width, height = max(region.width, 1), max(region.height, 1)
    return (
        (left - region.x) / width * 2 - 1,
        (bottom - region.y) / height * 2 - 1,
        (right - region.x) / width * 2 - 1,
        (top - region.y) / height * 2 - 1,
    )


def _windows(scene: bpy.types.Scene) -> list[bpy.types.Window]:
    return [window for window in bpy.context.window_manager.windows if window.scene == scene]


def areas(window: bpy.types.Window | None) -> list[bpy.types.Area]:
    """The 3D Views of a window."""
    return [area for area in window.screen.areas if area.type == "VIEW_3D"] if window else []


def without_textures(window: bpy.types.Window | None) -> list[bpy.types.View3DShading]:
    """The shading of each 3D View that is solid, and colored by something else than textures."""
    spaces_3d = [area.spaces.active for area in areas(window)]
    shadings = [space.shading for space in spaces_3d if isinstance(space, bpy.types.SpaceView3D)]
    return [shading for shading in shadings if shading.type == "SOLID" and shading.color_type != "TEXTURE"]


def largest_area(
    window: bpy.types.Window | None, scene: bpy.types.Scene
) -> tuple[bpy.types.Window, bpy.types.Area] | None:
    """The largest 3D View of a window, or where that has none, of the windows that show the scene."""
    others = [other for other in _windows(scene) if other != window]
    for windows in ([window] if window else [], others):
        found = [(each, area) for each in windows for area in areas(each)]
        if found:
            return max(found, key=lambda pair: _size(pair[1]))
    return None


def spaces(scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer) -> Iterator[bpy.types.SpaceView3D]:
    """The 3D Views that show a view layer of the scene."""
    for window in _windows(scene):
        if window.view_layer == view_layer:
            for area in areas(window):
                if isinstance(space := area.spaces.active, bpy.types.SpaceView3D):
                    yield space


def view_layers(scene: bpy.types.Scene) -> list[bpy.types.ViewLayer]:
    """Those that windows show, the one in the largest 3D View first; else the context's; else the scene's first."""
    found: list[bpy.types.ViewLayer] = []
    for window in sorted(_windows(scene), key=_largest_size, reverse=True):
        if window.view_layer not in found:
            found.append(window.view_layer)
    if not found and bpy.context.scene == scene and bpy.context.view_layer is not None:
        found.append(bpy.context.view_layer)
    return found or [scene.view_layers[0]]


def _size(area: bpy.types.Area) -> int:
    return area.width * area.height


def _largest_size(window: bpy.types.Window) -> int:
    return max(map(_size, areas(window)), default=0)


def largest_view(scene: bpy.types.Scene) -> View | None:
    """The largest 3D View on the scene; None where there is none, and without windows."""
    shown = [area for window in _windows(scene) for area in areas(window)]
    if bpy.app.background or not shown:
        return None
    area = max(shown, key=_size)
    regions = [region for region in area.regions if region.type == "WINDOW"]
    # In a quad view the last of four is the free one, which `region_3d` is about.
    return View(area, regions[-1], area.spaces.active) if regions else None
