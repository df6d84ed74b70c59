# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a model has room: whether it would stand hidden in something, and the place beside that. Changes nothing.

A model is hidden where much of it would stand inside one visible mesh of about its own size: a cube, or the model that
arrived at the same cursor before. It never is in a room, in a building, on the ground, on a seat or under a table.
"""

from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import bpy
from mathutils import Vector

from .boxes import AXES, Box, Vec
from .view import View

MOST = 0.5  # of a mesh's points
MUCH = 0.4  # of a model: one that is as high as the first cube is wide, and stands at its middle, sinks in by half
OWN_SIZE = 2.5  # so many times the model's longest side is still "about its own size"
FLAT = 0.02  # of the longest side: the least thickness, as what is flat has no volume
SAME_PLACE = 0.05  # of the longest side: where two models of ours stand at the same spot
SAME_PLACE_SHARE = 0.25  # so much of a model in another that stands at the same spot is too much
INSIDE = 0.99  # how far points of the model's surface are drawn in, so that they are not on the other's
POINTS_MOST = 24  # of the model, and of each mesh, that are asked
VERTICES_MOST = 64
FACES_MOST = 300_000  # of a mesh that rays are sent into: before the first, Blender sorts its faces
DIRECTIONS = tuple(
    Vector(direction).normalized()
    for direction in (
        (1, 0.11, 0.07), (-1, 0.07, -0.11), (0.11, 1, 0.07), (0.07, -1, 0.11), (0.07, 0.11, 1), (0.11, -0.07, -1),
        (1, 1.13, 0.91), (-1, 0.93, 1.07), (0.9, -1.1, 1), (-1.1, -1, 0.9),
    )
)  # fmt: skip
"""Of the rays from a point: beside the axes, as a ray along them runs through edges."""

GAP = 0.15  # of the longest side, between a model and what it stands beside
SIDES = ((1, 0), (-1, 0), (0, -1), (1, -1), (-1, -1), (0, 1), (1, 1), (-1, 1))
"""Of a mesh, along X and Y, in the order in which they are taken where no view tells them apart: behind it last, as a
model's front looks along -Y. In a view from between two axes, as Blender's first, only a corner is quite to the side.
"""

RINGS = 4  # how often it is tried further out
NOTABLE = 0.05  # so much of a model may stand in what is around it without being in its way
MESH = 1  # as `foreach_get` gives the type of an object


class Body(NamedTuple):
    """A visible mesh object, for one moment."""

    obj: bpy.types.Object
    box: Box

    @property
    def longest(self) -> float:
        """Its longest side as it is turned: the box along the world's axes of a cube on its corner is larger."""
        corners = [self.obj.matrix_world @ Vector(self.obj.bound_box[index]) for index in (0, 4, 3, 1)]
        return max((corner - corners[0]).length for corner in corners)


class Subject(NamedTuple):
    """The model that looks for room: the box of all of it, points of its surface, and where its root is."""

    box: Box
    points: Sequence[Vec]
    foot: Vec

    def moved(self, by: Vec) -> "Subject":
        points = [(x + by[0], y + by[1], z + by[2]) for x, y, z in self.points]
        return Subject(self.box.moved(by), points, (self.foot[0] + by[0], self.foot[1] + by[1], self.foot[2] + by[2]))


class Spot(NamedTuple):
    """By how much a model has to be moved to be seen, and the name of what it stands beside then; "" for nothing."""

    offset: Vec
    beside: str


STAY = Spot((0.0, 0.0, 0.0), "")


class Surroundings:
    """The objects of a view layer as they are now. `view` is the 3D View that it is seen in, if any."""

    def __init__(self, view_layer: bpy.types.ViewLayer, view: View | None = None) -> None:
        view_layer.update()  # what a script, or the model before, has just changed
        self.view = view
        self.depsgraph = view_layer.depsgraph
        self._view_layer = view_layer
        self._objects = list(view_layer.objects)
        self._boxes: dict[int, Box] = {}
        count = len(self._objects)
        types = array("i", [0]) * count
        self._bounds = bounds = array("f", [0.0]) * (24 * count)
        self._matrices = matrices = array("f", [0.0]) * (16 * count)
        # Three calls for all of them: to ask each object takes thirty times as long.
        view_layer.objects.foreach_get("type", types)
        view_layer.objects.foreach_get("bound_box", bounds)
        view_layer.objects.foreach_get("matrix_world", matrices)
        # Along X only, as that leaves few.
        self._along_x = [
            (
                (a * (x0 + x1) + b * (y0 + y1) + c * (z0 + z1)) / 2 + to,
                (abs(a) * (x1 - x0) + abs(b) * (y1 - y0) + abs(c) * (z1 - z0)) / 2,
                index,
            )
            for index, kind, a, b, c, to, x0, y0, z0, x1, y1, z1 in zip(
                range(count),
                types,
                *(matrices[number::16] for number in (0, 4, 8, 12)),
                *(bounds[number::24] for number in (0, 1, 2, 18, 19, 20)),
                strict=True,
            )
            if kind == MESH
        ]
        """Of each mesh: where the middle of its box is, how far it reaches from there, and which it is."""

    def meeting(self, box: Box) -> list[Body]:
        """The visible meshes whose boxes meet `box`."""
        middle, reach = box.center[0], box.sides[0] / 2
        near = [index for x, own, index in self._along_x if abs(x - middle) <= reach + own]
        met = [index for index in near if self._box(index).meets(box)]
        return [Body(self._objects[index], self._box(index)) for index in met if self._is_visible(self._objects[index])]

    def _box(self, index: int) -> Box:
        if index not in self._boxes:
            m = self._matrices[16 * index : 16 * index + 16]
            x0, y0, z0 = self._bounds[24 * index : 24 * index + 3]
            x1, y1, z1 = self._bounds[24 * index + 18 : 24 * index + 21]
            low, high = [], []
            for axis in AXES:
                a, b, c = m[axis], m[4 + axis], m[8 + axis]
                middle = (a * (x0 + x1) + b * (y0 + y1) + c * (z0 + z1)) / 2 + m[12 + axis]
                reach = (abs(a) * (x1 - x0) + abs(b) * (y1 - y0) + abs(c) * (z1 - z0)) / 2
                low.append(middle - reach)
                high.append(middle + reach)
            self._boxes[index] = Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
        return self._boxes[index]

    def _is_visible(self, obj: bpy.types.Object) -> bool:
        space = self.view.space if self.view else None
        local = {"viewport": space} if space is not None and space.local_view else {}
        return obj.display_type not in {"WIRE", "BOUNDS"} and obj.visible_get(view_layer=self._view_layer, **local)


def beside(subject: Subject, around: Surroundings) -> Spot:
    """Where the model is seen: where it is; or beside what it would stand hidden in, on the same floor."""
    in_the_way = hiding(subject, around.meeting(subject.box), around)
    if in_the_way is None:
        return STAY
    reach = in_the_way.box.longest + (RINGS + 1) * (1 + GAP) * subject.box.longest
    near = [body for body in around.meeting(subject.box.grown(reach)) if body.obj != in_the_way.obj]
    first = None
    for ring in range(RINGS):
        offsets = _offsets(subject.box, in_the_way.box, ring)
        ranks = [_rank(subject, offset, in_the_way, near, around) for offset in offsets]
        best = min(range(len(offsets)), key=ranks.__getitem__)
        first = first or offsets[best]
        is_blocked = ranks[best][0]
        if not is_blocked:
            return Spot(offsets[best], in_the_way.obj.name)
    return Spot(first or offsets[0], in_the_way.obj.name)


def hiding(subject: Subject, bodies: Sequence[Body], around: Surroundings) -> Body | None:
    """The one of `bodies` that the model stands hidden in, None where it is seen."""
    return next((body for body in bodies if _is_hidden_in(subject, body, around)), None)


def in_the_way(subject: Subject, around: Surroundings) -> Box | None:
    """What a model of a row must not stand in: what would hide it, or have much of it in something of its own size."""
    bodies = around.meeting(subject.box)
    found = hiding(subject, bodies, around)
    box = _thick(subject.box)
    for body in bodies:
        is_of_its_size = body.longest <= OWN_SIZE * subject.box.longest
        if body is found or (is_of_its_size and box.shared(_thick(body.box)) > SAME_PLACE_SHARE * box.volume):
            return body.box
    return None


def _is_hidden_in(subject: Subject, body: Body, around: Surroundings) -> bool:
    box = _thick(subject.box)
    other = _thick(body.box)
    if body.longest > OWN_SIZE * subject.box.longest:
        return False
    shared = box.shared(other)
    if shared > SAME_PLACE_SHARE * box.volume and _stands_at(body.obj, subject):
        return True
    if not shared > MUCH * box.volume:
        return False
    if shared > MUCH * other.volume and _lies_in(body.obj, box, around):
        return True
    if around.view and around.view.eye is not None and body.box.holds(around.view.eye):
        return False  # who looks stands in it, too: a room
    return _holds_many(body.obj, subject.points, around)


def _thick(box: Box) -> Box:
    return box.thickened(max(FLAT * box.longest, 1e-9))


def _stands_at(obj: bpy.types.Object, subject: Subject) -> bool:
    """Whether an object is of a model of ours whose root is where the subject's is."""
    while obj.parent is not None:
        obj = obj.parent
    is_ours = obj.get("image_to_3d_job") is not None
    return is_ours and (obj.matrix_world.translation - Vector(subject.foot)).length <= SAME_PLACE * subject.box.longest


def _lies_in(obj: bpy.types.Object, box: Box, around: Surroundings) -> bool:
    """Whether most of a mesh lies in `box`: as much of a table that stands over a model does not."""
    evaluated = obj.evaluated_get(around.depsgraph)
    points = _vertices(evaluated.data, VERTICES_MOST)
    matrix, wide = obj.matrix_world, box.grown(SAME_PLACE * box.longest)
    return not points or sum(wide.holds(matrix @ point) for point in points) > MOST * len(points)


def _vertices(mesh: bpy.types.Mesh, most: int) -> list[Vector]:
    """So many of a mesh's vertices at the most, from all over it."""
    count = len(mesh.vertices)
    return [mesh.vertices[index].co.copy() for index in range(0, count, max(1, -(-count // most)))]


def _holds_many(obj: bpy.types.Object, points: Sequence[Vec], around: Surroundings) -> bool:
    """Whether many of the points lie in what a mesh encloses: rays from there meet its faces from behind."""
    evaluated = obj.evaluated_get(around.depsgraph)
    if max(len(obj.data.polygons), len(evaluated.data.polygons)) > FACES_MOST:
        return False
    if obj.mode == "EDIT":  # its mesh is Edit Mode's until it is asked for
        evaluated.to_mesh()
        evaluated.to_mesh_clear()
    if not evaluated.data.polygons:
        return False
    inverse = obj.matrix_world.inverted_safe()
    inside = 0
    for number, point in enumerate(points):
        inside += _is_in(evaluated, inverse @ Vector(point))
        if inside + len(points) - number - 1 <= MUCH * len(points):
            return False
    return inside > MUCH * len(points)


def _is_in(evaluated: bpy.types.Object, point: Vector) -> bool:
    for direction in DIRECTIONS:
        is_hit, _, normal, _ = evaluated.ray_cast(point, direction)
        if not is_hit or normal.dot(direction) <= 0.0:
            return False
    return True


def _offsets(box: Box, other: Box, ring: int) -> list[Vec]:
    """By how much `box` has to be moved to stand at each of `SIDES` of `other`, so many steps away."""
    gap = GAP * box.longest

    def by(axis: int, sign: int) -> float:
        away = other.high[axis] - box.low[axis] if sign > 0 else box.high[axis] - other.low[axis]
        return sign * (away + gap + ring * (box.sides[axis] + gap))

    return [(by(0, x) if x else 0.0, by(1, y) if y else 0.0, 0.0) for x, y in SIDES]


def _rank(
    subject: Subject, offset: Vec, in_the_way: Body, near: Sequence[Body], around: Surroundings
) -> tuple[bool, bool, bool, float, float]:
    """How bad a place is, by what matters most: something stands there, it is not in the view, it is behind what the
    model would be hidden in, or before it, where the two are hard to tell apart; and then, the further to the side it
    is the better."""
    moved = subject.moved(offset)
    met = [body for body in near if body.box.meets(moved.box)]
    left = [body for body in near if body.box.meets(subject.box) and not body.box.meets(moved.box)]
    is_blocked = (
        sum(_change(subject.box, moved.box, body.box) for body in (*met, *left)) > NOTABLE
        or hiding(moved, met, around) is not None
    )
    view = around.view
    if view is None:
        return is_blocked, False, False, 0.0, 0.0
    return (
        is_blocked,
        not view.shows(moved.box),
        view.hides(in_the_way.box, moved.box),
        round(view.covered(moved.box, in_the_way.box), 1),
        -round(view.sideways(in_the_way.box, moved.box), 1),
    )


def _change(before: Box, after: Box, other: Box) -> float:
    """How much more of the model stands in something than before, as a share of it. Where it was all in there, as in a
    room, to leave it is as bad."""
    thick, moved = _thick(before), _thick(after)
    volume = thick.volume
    share, share_after = thick.shared(other) / volume, moved.shared(other) / volume
    return share - share_after if share > INSIDE and share_after < share else max(0.0, share_after - share)


def points_in(points: Iterable[Sequence[float]], box: Box) -> list[Vec]:
    """Points of a model's surface, drawn in a little towards the middle of its box."""
    center = box.center
    return [
        (
            center[0] + INSIDE * (x - center[0]),
            center[1] + INSIDE * (y - center[1]),
            center[2] + INSIDE * (z - center[2]),
        )
        for x, y, z in points
    ]
