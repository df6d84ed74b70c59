# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside the Blender that is tested, and does what the test outside says: run a piece of Python, or act as if a
key was pressed. Takes one order at a time over loopback, in a timer that outlives File > Open. Never part of the
extension.

An order is a line of JSON, and so is its answer. Between two orders Blender handles its events and draws.
"""

import ast
import json
import os
import select
import socket
import sys
import traceback

import bpy  # isort: skip -- first: addon_utils comes with it
import addon_utils

sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))
from looking import Looking

EXTENSION = "bl_ext.user_default.image_to_3d"
SLEEP_S = 0.005  # as Blender itself sleeps where nothing happens; with simulated events it would take a core for itself


def run(code, values):
    """Run statements; what the last of them gives, where it is an expression, is the answer."""
    names = {"bpy": bpy, "module": module, "session": SESSION, "EXTENSION": EXTENSION, **values}
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with override():
        exec(compile(tree, "<order>", "exec"), names)  # noqa: S102 -- a test's own
        return eval(compile(ast.Expression(last.value), "<order>", "eval"), names) if last else None  # noqa: S307


def override():
    """The first window, with its 3D View if it has one: a timer has none, and much of Blender wants one."""
    window = bpy.context.window_manager.windows[0]
    for area in window.screen.areas:
        if area.type == "VIEW_3D":
            region = next(region for region in area.regions if region.type == "WINDOW")
            return bpy.context.temp_override(window=window, area=area, region=region)
    return bpy.context.temp_override(window=window)


def module(name):
    """A module of the extension."""
    return __import__(f"{EXTENSION}.{name}", fromlist=["_"])


SESSION = Looking(module)


def events(window, events):
    """Let input events arrive, which are handled before the next drawing."""
    for options in events:
        bpy.context.window_manager.windows[window].event_simulate(**options)


def windows():
    """Where the windows are, oldest first: [x, y, width, height] each, from the screen's lower left corner."""
    return [[w.x, w.y, w.width, w.height] for w in bpy.context.window_manager.windows]


def regions(area):
    """The regions of the areas of a kind: window, kind, whether it is shown, and [x, y, width, height] in the
    window."""
    found = []
    for index, window in enumerate(bpy.context.window_manager.windows):
        for shown in window.screen.areas:
            if shown.type == area:
                found.append([index, "", [shown.x, shown.y, shown.width, shown.height]])
                found += [[index, r.type, [r.x, r.y, r.width, r.height]] for r in shown.regions if r.width > 1]
    return found


def nothing():
    """Let events be handled, and the windows be drawn."""


ORDERS = {order.__name__: order for order in (run, events, windows, regions, nothing)}


class Line:
    """The connection to the test."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._came = b""

    def tick(self):
        """Do one order, if one comes soon."""
        if select.select([self._socket], [], [], SLEEP_S)[0]:
            piece = self._socket.recv(1 << 16)
            if not piece:
                return None  # the test is gone
            self._came += piece
        line, end, rest = self._came.partition(b"\n")
        if end:
            self._came = rest
            self._answer(**json.loads(line))
        return 0.0

    def _answer(self, order, options):
        try:
            answer = {"result": ORDERS[order](**options)}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        data = json.dumps(answer, default=repr).encode() + b"\n"
        self._socket.sendall(data)


def prepare():
    """Have Blender as most tests want it: the extension enabled, and nothing that comes up by itself."""
    chosen = bpy.context.preferences
    chosen.use_preferences_save = False
    chosen.view.show_splash = False
    chosen.view.show_tooltips = False  # they cover what a test wants to read
    chosen.view.use_save_prompt = False
    chosen.view.ui_scale = 1
    chosen.filepaths.use_auto_save_temporary_files = False
    chosen.system.use_online_access = False
    if not addon_utils.enable(EXTENSION, default_set=True, handle_error=lambda _: traceback.print_exc()):
        sys.exit(1)


def draw_little():
    """Leave out of the 3D Views what no test looks at, in new files, too: it is three quarters of what a drawing costs
    without a graphics card."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            for space in area.spaces:
                if space.type == "VIEW_3D":
                    space.overlay.show_overlays = False
    with override():
        bpy.ops.wm.save_homefile()


def listen():
    """Take the test's orders, until it hangs up."""
    line = Line(int(os.environ["IMAGE_TO_3D_PORT"]))

    def tick():
        return line.tick()

    bpy.app.timers.register(tick, persistent=True)


# Without a graphics card each of its samples takes a tenth of a second, and reports in the status bar are over before
# they are drawn.
bpy.context.preferences.system.viewport_aa = "OFF"
if os.environ["IMAGE_TO_3D_BEGIN"] == "prepared":
    prepare()
    if not os.environ["IMAGE_TO_3D_PICTURES"]:
        draw_little()
listen()
