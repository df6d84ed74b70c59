# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies whose true shape and colours are known, made in Blender. For tests and measurements. Reads no file of a
user's, asserts nothing.

Every body stands on z = 0 with its middle at x = y = 0, looks towards -Y, and the longer of its width and height is
1 m.
"""

from collections.abc import Callable

import bpy
import numpy as np
from clay import (
    BLUE,
    BROWN,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    PURPLE,
    RED,
    SKIN,
    WHITE,
    YELLOW,
    Clay,
    Numbers,
    bow,
    by_side,
    fade,
    finished,
    striped,
)
from looks import on_white, render

__all__ = ["MADE", "SIX", "build", "on_white", "render"]


def suzanne() -> bpy.types.Object:
    bpy.ops.mesh.primitive_monkey_add(size=2)
    monkey = bpy.context.object
    monkey.modifiers.new("Subdivision", "SUBSURF").levels = 2
    mesh = monkey.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    mesh.calc_loop_triangles()
    points = np.array([vertex.co for vertex in mesh.vertices])
    triangles = np.array([triangle.vertices for triangle in mesh.loop_triangles])
    bpy.data.objects.remove(monkey)
    x, y, z = points.T
    colours = fade(BROWN, ORANGE, 2, -1, 1)(points)
    colours[(np.abs(x) > 0.85)] = PINK
    colours[(y < -0.45) & (z < 0.0) & (np.abs(x) < 0.42)] = SKIN
    colours[(y > 0.35)] = DARK
    for side in (-1, 1):
        eye = (x - side * 0.35) ** 2 + (z - 0.24) ** 2
        colours[(eye < 0.2**2) & (y < -0.55)] = WHITE
        colours[(eye < 0.09**2) & (y < -0.55)] = DARK
    return finished("suzanne", points, triangles, colours)


def mug() -> bpy.types.Object:
    clay = Clay()
    profile = [(0, 0), (0.33, 0), (0.36, 0.03), (0.37, 0.95), (0.36, 0.97), (0.34, 0.97), (0.32, 0.1), (0, 0.08)]
    clay.lathe(profile, striped(BLUE, WHITE, 0.24), cells=20)
    clay.tube(bow((0.36, 0, 0.5), 0.25, -105, 105), 0.045, RED)
    return clay.body("mug")


def chair() -> bpy.types.Object:
    clay = Clay()
    clay.box((-0.25, -0.25, 0.42), (0.25, 0.25, 0.47), fade(RED, ORANGE, 1, -0.25, 0.25))
    for x in (-0.25, 0.2):
        clay.box((x, -0.25, 0), (x + 0.05, -0.2, 0.42), BROWN)
        clay.box((x, 0.2, 0), (x + 0.05, 0.25, 1.0), BROWN)
    for z in (0.6, 0.75, 0.9):
        clay.box((-0.2, 0.21, z), (0.2, 0.24, z + 0.08), by_side(YELLOW, BLUE, 1, 0.225))
    return clay.body("chair")


def head(clay: Clay, z: float, size: float) -> None:
    """A head with hair behind and above, eyes and a nose before."""

    def paint(points: Numbers) -> Numbers:
        x, y, up = (points - [0, 0, z]).T / size
        colours = np.tile(np.array(SKIN), (len(points), 1))
        colours[(y > 0.25) | (up > 0.7)] = BROWN
        for side in (-1, 1):
            colours[((x - side * 0.38) ** 2 + (up - 0.15) ** 2 < 0.16**2) & (y < 0)] = DARK
        colours[(np.abs(x) < 0.35) & (np.abs(up + 0.45) < 0.07) & (y < 0)] = RED
        return colours

    clay.ball((0, 0, z), (size, size, size * 1.15), paint)
    clay.ball((0, -size, z), size * 0.2, PINK)


def legs(clay: Clay) -> None:
    """Legs in trousers, and shoes that point forward, under a hip at z = 0.5."""
    for side in (-1, 1):
        clay.tube([(side * 0.1, 0, 0.05), (side * 0.09, 0, 0.3), (side * 0.08, 0, 0.52)], (0.05, 0.06, 0.08), BLUE)
        clay.ball((side * 0.1, -0.05, 0.04), (0.055, 0.12, 0.045), DARK)


def figure() -> bpy.types.Object:
    clay = Clay()
    legs(clay)
    clay.ball((0, 0, 0.66), (0.16, 0.1, 0.2), by_side(RED, GREEN, 1), square=0.7)
    for side in (-1, 1):
        clay.tube([(side * x, 0, 0.78) for x in (0.1, 0.25, 0.42)], (0.05, 0.045, 0.035), striped(RED, YELLOW, 0.07, 0))
        clay.ball((side * 0.46, -0.01, 0.78), (0.05, 0.035, 0.03), SKIN)
    head(clay, 0.95, 0.09)
    return clay.body("figure")


def bottle() -> bpy.types.Object:
    clay = Clay()

    def paint(points: Numbers) -> Numbers:
        colours = fade((0.1, 0.3, 0.15), (0.25, 0.5, 0.3), 2, 0, 1)(points)
        colours[(np.abs(points[:, 2] - 0.3) < 0.14) & (points[:, 1] < 0.02)] = WHITE
        colours[(np.abs(points[:, 2] - 0.3) < 0.05) & (points[:, 1] < -0.03)] = RED
        colours[points[:, 2] > 0.9] = ORANGE
        return colours

    profile = [(0, 0), (0.14, 0), (0.15, 0.02), (0.15, 0.55), (0.13, 0.62), (0.06, 0.72), (0.05, 0.8), (0.05, 0.9)]
    clay.lathe([*profile, (0.06, 0.9), (0.06, 1.0), (0, 1.0)], paint, cells=20)
    return clay.body("bottle")


def car() -> bpy.types.Object:
    clay = Clay()
    clay.ball((0, 0, 0.33), (0.4, 0.95, 0.18), by_side(RED, ORANGE, 1, 0.3), square=0.35)
    clay.ball((0, 0.12, 0.55), (0.33, 0.5, 0.19), by_side(BLUE, GREY, 2, 0.68), square=0.5)
    for y in (-0.55, 0.55):
        for side in (-1, 1):
            clay.tube([(side * 0.28, y, 0.17), (side * 0.35, y, 0.17), (side * 0.42, y, 0.17)], 0.17, DARK)
            clay.tube([(side * 0.4, y, 0.17), (side * 0.425, y, 0.17)], 0.08, GREY)
    for side in (-1, 1):
        clay.ball((side * 0.27, -0.93, 0.36), (0.07, 0.04, 0.05), YELLOW)
        clay.ball((side * 0.27, 0.93, 0.36), (0.07, 0.04, 0.04), PINK)
    return clay.body("car")


def teapot() -> bpy.types.Object:
    clay = Clay()
    profile = [
        (0, 0),
        (0.25, 0),
        (0.4, 0.15),
        (0.43, 0.3),
        (0.36, 0.48),
        (0.2, 0.56),
        (0.15, 0.6),
        (0.05, 0.62),
        (0, 0.62),
    ]
    clay.lathe(profile, fade(PURPLE, PINK, 2, 0, 0.6))
    clay.ball((0, 0, 0.66), 0.06, YELLOW)
    clay.tube([(0.35, 0, 0.2), (0.52, 0, 0.26), (0.6, 0, 0.4), (0.68, 0, 0.52)], (0.1, 0.07, 0.05, 0.045), ORANGE)
    clay.tube(bow((-0.4, 0, 0.32), 0.2, 55, 305), 0.035, BLUE)
    return clay.body("teapot")


def dog() -> bpy.types.Object:
    clay = Clay()
    clay.ball((0, 0, 0.5), (0.17, 0.42, 0.18), fade(BROWN, WHITE, 1, -0.2, 0.4), square=0.8)
    for y in (-0.28, 0.28):
        for side in (-1, 1):
            clay.tube([(side * 0.1, y, 0), (side * 0.1, y, 0.2), (side * 0.1, y, 0.45)], (0.06, 0.05, 0.07), BROWN)
    clay.tube([(0, -0.3, 0.55), (0, -0.4, 0.65), (0, -0.45, 0.75)], (0.13, 0.1, 0.1), BROWN)
    clay.ball((0, -0.48, 0.8), (0.14, 0.15, 0.13), ORANGE)
    clay.ball((0, -0.62, 0.75), (0.07, 0.12, 0.06), WHITE)
    clay.ball((0, -0.74, 0.77), 0.03, DARK)
    for side in (-1, 1):
        clay.ball((side * 0.14, -0.46, 0.86), (0.04, 0.06, 0.14), DARK)
        clay.ball((side * 0.06, -0.61, 0.84), 0.025, DARK)
    clay.tube([(0, 0.38, 0.55), (0, 0.5, 0.65), (0, 0.55, 0.8), (0, 0.53, 0.9)], (0.05, 0.04, 0.035, 0.03), BROWN)
    return clay.body("dog")


def tree() -> bpy.types.Object:
    clay = Clay()
    clay.tube([(0, 0, 0), (0.02, 0, 0.25), (0, 0, 0.55)], (0.07, 0.05, 0.04), BROWN)
    clay.ball((0, 0, 0.72), (0.3, 0.27, 0.28), fade(GREEN, YELLOW, 2, 0.5, 1))
    return clay.body("tree")


def house() -> bpy.types.Object:
    clay = Clay()

    def walls(points: Numbers) -> Numbers:
        x, y, z = points.T
        colours = fade(YELLOW, WHITE, 2, 0, 0.5)(points)
        colours[(np.abs(x) < 0.08) & (z < 0.3) & (y < -0.29)] = BROWN
        colours[(np.abs(np.abs(x) - 0.25) < 0.07) & (np.abs(z - 0.3) < 0.08) & (np.abs(y) > 0.29)] = BLUE
        colours[(np.abs(y) < 0.12) & (np.abs(z - 0.3) < 0.08) & (x > 0.39)] = BLUE
        colours[(np.abs(y) < 0.12) & (np.abs(z - 0.3) < 0.08) & (x < -0.39)] = GREEN
        return colours

    clay.box((-0.4, -0.3, 0), (0.4, 0.3, 0.5), walls, cells=40)
    corners = np.array([[x, y, z] for x in (-0.46, 0.46) for y, z in ((-0.38, 0.48), (0.38, 0.48), (0, 0.85))])
    for ends in ((0, 1, 2), (3, 5, 4)):
        clay.add(corners[list(ends)], np.array([[0, 2, 1]]), YELLOW)
    for (a, b), colour in (((0, 2), RED), ((2, 1), ORANGE), ((1, 0), BROWN)):
        share = np.linspace(0, 1, 17)[:, None]
        first, second = (corners[a + k] * (1 - share) + corners[b + k] * share for k in (0, 3))
        across = np.linspace(0, 1, 17)[None, :, None]
        clay.grid(first[:, None] * (1 - across) + second[:, None] * across, colour, round_=False)
    clay.box((0.2, 0.05, 0.6), (0.3, 0.15, 0.95), GREY)
    return clay.body("house")


def lamp() -> bpy.types.Object:
    clay = Clay()
    clay.lathe([(0, 0), (0.2, 0), (0.2, 0.03), (0.05, 0.07), (0.025, 0.1), (0.025, 0.62), (0, 0.62)], GREY)
    clay.lathe([(0, 0.58), (0.32, 0.58), (0.18, 1.0), (0, 1.0)], fade(ORANGE, WHITE, 2, 0.6, 1))
    return clay.body("lamp")


def rocket() -> bpy.types.Object:
    clay = Clay()
    profile = [(0, 0.1), (0.08, 0.1), (0.13, 0.25), (0.14, 0.5), (0.12, 0.7), (0.07, 0.88), (0, 1.0)]
    clay.lathe(profile, lambda points: np.where((points[:, 2] > 0.72)[:, None], RED, WHITE))
    for turn in range(3):
        angle = np.radians(90 + 120 * turn)
        out = np.array((np.cos(angle), np.sin(angle), 0))
        thick = 0.02 * np.array((-out[1], out[0], 0))
        shape = [out * r + [0, 0, z] for r, z in ((0.1, 0.42), (0.28, 0.12), (0.28, 0), (0.1, 0.15))]
        points = np.array([corner + side for side in (-thick, thick) for corner in shape])
        faces = [(0, 1, 2), (0, 2, 3), (4, 6, 5), (4, 7, 6)]
        for k in range(4):
            n = (k + 1) % 4
            faces += [(k, k + 4, n + 4), (k, n + 4, n)]
        clay.add(points, np.array(faces), (RED, BLUE, GREEN)[turn])
    clay.tube([(0, -0.1, 0.55), (0, -0.145, 0.55)], 0.05, BLUE)
    return clay.body("rocket")


def shoe() -> bpy.types.Object:
    clay = Clay()
    clay.ball((0, 0, 0.04), (0.5, 0.18, 0.04), WHITE, square=0.5)
    path = [(-0.3, 0, 0.1), (-0.28, 0, 0.3), (-0.24, 0, 0.45)]
    clay.tube(path, (0.17, 0.15, 0.14), fade(GREEN, BLUE, 2, 0.1, 0.45))
    clay.ball((0.0, 0, 0.12), (0.42, 0.16, 0.12), GREEN)
    clay.ball((-0.1, 0, 0.2), (0.22, 0.12, 0.14), striped(YELLOW, GREEN, 0.04, 0))
    clay.ball((0.25, 0, 0.1), (0.23, 0.165, 0.09), ORANGE)
    return clay.body("shoe")


def cube() -> bpy.types.Object:
    clay = Clay()

    def paint(points: Numbers) -> Numbers:
        x, y, z = points.T
        colours = np.tile(np.array(WHITE), (len(points), 1))
        for face, colour in ((y < -0.499, RED), (y > 0.499, BLUE), (x < -0.499, GREEN), (x > 0.499, YELLOW)):
            colours[face & (np.abs(z - 0.5) < 0.4) & (np.minimum(np.abs(x), np.abs(y)) < 0.4)] = colour
        return colours

    clay.box((-0.5, -0.5, 0), (0.5, 0.5, 1), paint, cells=40)
    return clay.body("cube")


def lopsided() -> bpy.types.Object:
    """Left and right differ, and so do front and back."""
    clay = Clay()
    clay.ball((0, 0, 0.4), (0.3, 0.25, 0.4), by_side(PURPLE, YELLOW, 0))
    clay.box((0.15, -0.3, 0.1), (0.45, 0.1, 0.3), RED)
    clay.ball((-0.35, 0.15, 0.6), 0.15, GREEN)
    clay.tube([(0, 0.1, 0.7), (-0.05, 0.25, 0.85), (-0.1, 0.4, 0.95)], (0.08, 0.06, 0.04), BLUE)
    clay.ball((0.1, -0.25, 0.5), (0.1, 0.08, 0.1), ORANGE)
    return clay.body("lopsided")


def akimbo() -> bpy.types.Object:
    """A figure with its hands on its hips: two holes, seen from the front."""
    clay = Clay()
    legs(clay)
    clay.ball((0, 0, 0.66), (0.14, 0.09, 0.2), by_side(PURPLE, ORANGE, 1), square=0.7)
    for side in (-1, 1):
        arm = np.array(
            [(0.1, 0.0, 0.8), (0.2, 0.02, 0.74), (0.3, 0.03, 0.64), (0.22, -0.02, 0.57), (0.11, -0.05, 0.54)]
        )
        clay.tube((arm * [side, 1, 1]).tolist(), (0.045, 0.04, 0.04, 0.035, 0.035), YELLOW)
    head(clay, 0.95, 0.09)
    return clay.body("akimbo")


def fish() -> bpy.types.Object:
    """Seen from its side in the front picture; thin, and long."""
    clay = Clay()
    clay.ball((0, 0, 0.2), (0.4, 0.08, 0.15), fade(ORANGE, WHITE, 2, 0.3, 0.05))
    clay.ball((0.42, 0, 0.22), (0.12, 0.02, 0.14), RED)
    clay.ball((0.02, 0, 0.33), (0.15, 0.015, 0.08), RED)
    for side in (-1, 1):
        clay.ball((-0.27, side * 0.05, 0.23), 0.025, DARK)
        clay.ball((-0.05, side * 0.1, 0.15), (0.08, 0.05, 0.02), YELLOW)
    return clay.body("fish")


MADE: dict[str, Callable[[], bpy.types.Object]] = {
    make.__name__: make
    for make in (
        (suzanne, mug, chair, figure, bottle, car)
        + (teapot, dog, tree, house, lamp, rocket, shoe, cube, lopsided, akimbo, fish)
    )
}
SIX = list(MADE)[:6]


def build(name: str) -> bpy.types.Object:
    """A body of `MADE`, the only object of an empty file."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    return MADE[name]()
