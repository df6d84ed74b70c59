# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what jobs cost the one who works in Blender's windows: `python tests/bench_windows.py` in a Python with
python-xlib, with IMAGE_TO_3D_BLENDER naming the Blender. Prints figures against their bounds, asserts nothing.

Keys are struck on the X display as a keyboard does (XTEST), and an operator in Blender notes when each of them arrives.
What an event waits for without jobs is software rendering and the system; the bound is on what jobs add.
"""

import contextlib
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from drawing import star_png
from gui import jobs, screen
from gui.blender import Blender
from service.cube import cube_glb
from service.stand_in import StandIn
from sized import ball_glb
from Xlib import XK, X
from Xlib.display import Display
from Xlib.ext import xtest

KEYS = 300
PAUSES_S = (0.01, 0.09)
KEYS_STRUCK = ("Pause", "Insert")  # in turn, as Blender may hear one twice; nothing in a 3D View is bound to them
CHANGE_S = 0.2
DRAWN_AGAIN_S = (0.01, 0.2)  # Blender draws the whole window twice for an icon that it has loaded
LOOKS = 100
FEW, MANY = 10, 1000

TRIANGLES, PIXELS = 1_000_000, 4096
ARRIVALS = 3
NEARLY_PERCENT, NEARLY_S = 90, 3.0  # how far a task comes, and how long it stays there: at a service it takes minutes
CALM_S = 1.0  # after which nothing more is drawn
EVENT_BOUND_MS = 50
ARRIVAL_BOUND = 1.5
"""How many times as long as Blender's own import the way of a large model may take."""
QUIT_BOUND_MS = 1000
LOOK_BOUND_MS = 30
DRAW_BOUND_MS = 10

LISTENER = """
import time
came = bpy.app.driver_namespace["came"] = []

class Listen(bpy.types.Operator):
    bl_idname, bl_label = "wm.listen", "Listen"

    def modal(self, context, event):
        if event.type in ("PAUSE", "INSERT") and event.value == "PRESS" and (not came or came[-1][0] != event.type):
            came.append((event.type, time.monotonic()))
        return {"PASS_THROUGH"}

    def invoke(self, context, event):
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

bpy.utils.register_class(Listen)
bpy.ops.wm.listen("INVOKE_DEFAULT")
0
"""

LOOK = """
import time
look, times = module("operators.watch").look, []
for _ in range(number):
    began = time.perf_counter()
    look()
    times.append((time.perf_counter() - began) * 1000)
times
"""

DRAW = """
import time
panel = module("panels.jobs").IMAGE_TO_3D_PT_jobs
drawn, original = bpy.app.driver_namespace.setdefault("drawn", []), panel.draw

def draw(self, context):
    began = time.perf_counter()
    original(self, context)
    drawn.append((time.perf_counter() - began) * 1000)

panel.draw = draw
0
"""


REDRAW = """
import time
redraw = module("session.redraw").redraw

def draw():
    redraw()
    return seconds if bpy.app.driver_namespace["draws"] else None

bpy.app.driver_namespace["draws"] = True
bpy.app.timers.register(draw)
0
"""

REDRAW_ALL = """
def draw():
    for area in bpy.context.window_manager.windows[0].screen.areas:
        area.tag_redraw()

for when in seconds:
    bpy.app.timers.register(draw, first_interval=when)
0
"""

TIME_LOOKS = """
import time
watch = module("operators.watch")
looks, original = bpy.app.driver_namespace.setdefault("looks", []), watch.look

def look():
    began = time.perf_counter()
    original()
    looks.append((time.perf_counter() - began) * 1000)

watch.look = look
0
"""

BEAT = """
import time
beats, arrived = bpy.beats, bpy.arrived = [], {}  # another file empties driver_namespace

def beat():
    beats.append(time.monotonic())
    for obj in bpy.data.objects:
        arrived.setdefault(obj.get("image_to_3d_job"), beats[-1])
    return 0.0

bpy.app.timers.register(beat, persistent=True)
0
"""

STALL = """
from itertools import pairwise
max(end - begin for begin, end in pairwise(bpy.beats) if end > since)
"""

IMPORT = """
import time
began = time.monotonic()
bpy.ops.import_scene.gltf("EXEC_DEFAULT", True, filepath=path)
time.monotonic() - began
"""

APPEND = """
with bpy.data.libraries.load(path) as (there, wanted):
    wanted.collections = there.collections
0
"""


class PlainBlender(Blender):
    """One that takes its events from the X display."""

    OPTIONS = ("--factory-startup",)


class Keyboard:
    """Strikes two keys on a display in turn, as hardware does."""

    def __init__(self, display):
        self._display = Display(display)
        self._codes = [self._display.keysym_to_keycode(XK.string_to_keysym(key)) for key in KEYS_STRUCK]

    def point(self, x, y):
        """Put the mouse somewhere: keys go to the window there."""
        xtest.fake_input(self._display, X.MotionNotify, x=x, y=y)
        self._display.sync()

    def strike(self):
        """Press and release the next key; return when it was pressed (time.monotonic)."""
        code = self._codes[0]
        self._codes.reverse()
        at = time.monotonic()
        xtest.fake_input(self._display, X.KeyPress, code)
        xtest.fake_input(self._display, X.KeyRelease, code)
        self._display.flush()
        return at


def delays(blender, keyboard, meanwhile=lambda: None):
    """How long keys at random moments take until Blender handles them, in milliseconds."""
    blender.run("bpy.app.driver_namespace['came'].clear()")
    dice = random.Random(4)
    struck = []
    for number in range(KEYS):
        time.sleep(dice.uniform(*PAUSES_S))
        struck.append(keyboard.strike())
        if number % 50 == 0:
            meanwhile()
    blender.until("len(bpy.app.driver_namespace['came']) >= number", number=KEYS)
    came = [at for _, at in blender.run("bpy.app.driver_namespace['came']")]
    return [(end - begin) * 1000 for begin, end in zip(struck, came, strict=True)]


def share(times, percent):
    return sorted(times)[min(len(times) - 1, len(times) * percent // 100)]


def tell(what, times):
    print(
        f"{what:<58} median {statistics.median(times):7.1f} ms, 99% {share(times, 99):7.1f} ms, most "
        f"{max(times):7.1f} ms",
        flush=True,
    )


def bound(what, value, limit):
    print(f"{what:<58} {value:7.1f} ms of {limit}{'' if value <= limit else '  TOO MUCH'}", flush=True)


@contextlib.contextmanager
def changing(stand_in):
    """The service's tasks say every moment that they are a little further."""
    over = threading.Event()

    def change():
        percent = 0
        while not over.wait(CHANGE_S):
            percent = percent % 98 + 1
            for create in list(stand_in.creates):
                with contextlib.suppress(KeyError):  # it was cancelled
                    stand_in.set_progress(create.id, percent)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        yield
    finally:
        over.set()
        changer.join()


UNFINISHED = "[j for j in session.jobs() if j.service == 'local' and j.state not in ended]"


def keep_local_running(blender, picture):
    """Begin a Local job where none runs. Its model stays on the disk: what its arrival costs, bench_blender.py
    measures."""
    if not blender.run(UNFINISHED, ended=jobs.ENDED):
        job = jobs.start(blender, picture, "LOCAL")
        blender.run("session.arrivals.leave(job)", job=job)


def events(blender, keyboard, stand_in, picture, many):
    """Keys without and with running jobs, where the list holds `many`."""
    say = f"a key, {many} jobs in the list"
    tell(f"{say}, nothing happens", delays(blender, keyboard))
    blender.run(REDRAW, seconds=CHANGE_S)
    quiet = delays(blender, keyboard)
    tell(f"{say}, the sidebar is drawn as often", quiet)
    # A job that begins has a new icon, and so has one that ends: as many of them as below, and nothing else.
    drawn = delays(blender, keyboard, lambda: blender.run(REDRAW_ALL, seconds=DRAWN_AGAIN_S))
    blender.run("bpy.app.driver_namespace['draws'] = False")
    tell(f"{say}, and the window, as for new icons", drawn)
    job = jobs.start(blender, picture)
    jobs.until_task(blender, job)
    blender.run("bpy.app.driver_namespace['looks'].clear()")
    with changing(stand_in):
        alone = delays(blender, keyboard)
        tell(f"{say}, Meshy runs", alone)
        bound("   99th percentile beyond that of mere drawing", share(alone, 99) - share(quiet, 99), EVENT_BOUND_MS)
        # Local takes every core, and here a job of it is begun now and then.
        loud = delays(blender, keyboard, lambda: keep_local_running(blender, picture))
    tell(f"{say}, Local and Meshy run", loud)
    bound("   99th percentile beyond that of mere drawing", share(loud, 99) - share(drawn, 99), EVENT_BOUND_MS)
    tell("   looks at the jobs meanwhile", blender.run("bpy.app.driver_namespace['looks']"))
    blender.run("bpy.ops.image_to_3d.cancel(job=job)", job=job)


def main():
    with (
        tempfile.TemporaryDirectory(prefix="image_to_3d_bench_") as folder,
        screen.screen() as display,
        StandIn(model=_cube(folder), seconds=None) as stand_in,
    ):
        blender = PlainBlender(
            os.environ["IMAGE_TO_3D_BLENDER"], display, Path(folder, "blender"), jobs.account(stand_in)
        )
        try:
            measure(blender, Keyboard(display), stand_in, _picture(folder))
        finally:
            if blender.is_alive():
                blender.kill()


def measure(blender, keyboard, stand_in, picture):
    print(f"Blender {'.'.join(map(str, blender.version))}")
    blender.run("space = bpy.context.space_data; space.show_region_ui = True")
    blender.settle()
    blender.run(
        "ui = next(r for r in bpy.context.area.regions if r.type == 'UI'); ui.active_panel_category = 'Image to 3D'"
    )
    keyboard.point(*blender.area("VIEW_3D", "WINDOW").center)
    blender.run(LISTENER)
    blender.run(DRAW)
    blender.run(TIME_LOOKS)
    model = jobs.start(blender, picture)
    jobs.until_task(blender, model)
    stand_in.finish(stand_in.creates[0].id)
    jobs.until_state(blender, model, "imported")
    for many in (FEW, MANY):
        jobs.copy(blender, model, many)
        began = time.monotonic()
        blender.until("len(session.jobs()) > many and not session.is_behind()", 120, many=many)
        print(f"{many} more jobs on the disk are in the list after {time.monotonic() - began:.1f} s")
        tell(f"one look at the jobs, {many} in the list", times := blender.run(LOOK, number=LOOKS))
        bound("   99th percentile", share(times, 99), LOOK_BOUND_MS)
        blender.run("bpy.app.driver_namespace['drawn'].clear()")
        for _ in range(LOOKS):
            blender.run("module('session.redraw').redraw()")
            blender.settle()
        tell(f"the panel of jobs, {many} in the list", times := blender.run("bpy.app.driver_namespace['drawn']"))
        bound("   99th percentile", share(times, 99), DRAW_BOUND_MS)
        events(blender, keyboard, stand_in, picture, many)
    arrivals(blender, picture.parent, picture)
    quitting(blender, picture)


def arrivals(blender, folder, picture):
    """A large model of a service, against Blender's own import of the same file: how long until it is in the scene, and
    how long the window stands still for it, beyond what it costs to draw the model for the first time."""
    model = Path(folder, "large.glb")
    model.write_bytes(ball_glb(TRIANGLES, PIXELS))
    sent = []
    natives, ours, stalls, own_stalls, draws = [], [], [], [], []
    with StandIn(
        model=model, seconds=None, log=lambda request: sent.append((request.service, time.monotonic()))
    ) as meshy:
        empty(blender)
        blender.run(f"import os; os.environ['MESHY_API_URL'] = {meshy.meshy_url!r}; 0")
        blender.run(BEAT)
        blender.run(IMPORT, path=str(_cube(folder)))  # so that the importer's modules are in memory
        for _ in range(ARRIVALS):
            empty(blender)
            since = time.monotonic()
            natives.append(blender.run(IMPORT, path=str(model)))
            calm(blender)
            stalls.append(blender.run(STALL, since=since))
            empty(blender)
            job = jobs.start(blender, picture)
            jobs.created(meshy, len(ours) + 1)
            meshy.set_progress(meshy.creates[-1].id, NEARLY_PERCENT)
            time.sleep(NEARLY_S)
            since = time.monotonic()
            meshy.finish(meshy.creates[-1].id)
            blender.until("job in bpy.arrived", 120, job=job)
            calm(blender)
            own_stalls.append(blender.run(STALL, since=since))
            arrived = blender.run("bpy.arrived[job]", job=job)
            ours.append(arrived - max(at for service, at in sent if service == "files"))
            # What is drawn is the same for both: it is appended, which nobody sees, and then shown.
            blend = blender.run("str(session.folder_of(job) / 'result.blend')", job=job)
            blender.until("not session.is_running(job)", 60, job=job)
            empty(blender)
            blender.run(APPEND, path=blend)
            calm(blender)
            since = time.monotonic()
            blender.run("bpy.context.scene.collection.children.link(bpy.data.collections[-1])")
            calm(blender)
            draws.append(blender.run(STALL, since=since))
    compare(natives, ours, stalls, own_stalls, draws)


def compare(natives, ours, stalls, own_stalls, draws):
    """Print what came of it."""
    native, own, draw = statistics.median(natives), statistics.median(ours), statistics.median(draws)
    too_much = "" if own <= ARRIVAL_BOUND * native else "  TOO MUCH"
    print(
        f"{TRIANGLES:,} triangles, {PIXELS}²: Blender's import {native:.2f} s (least {min(natives):.2f}), from the last "
        f"byte of a service {own:.2f} s (least {min(ours):.2f}): {own / native:.2f} times of {ARRIVAL_BOUND}{too_much}"
    )
    stall, own_stall = statistics.median(stalls), statistics.median(own_stalls)
    print(
        f"   the window stands still: Blender's import {stall:.2f} s, a job {own_stall:.2f} s, to draw the model alone "
        f"{draw:.2f} s"
    )
    beyond, own_beyond = max(0.0, stall - draw), max(0.0, own_stall - draw)
    ratio = f"{own_beyond / beyond:.3f} times" if beyond else "no ratio"
    print(f"   beyond drawing: Blender's import {beyond:.2f} s, a job {own_beyond:.2f} s: {ratio}", flush=True)


def empty(blender):
    """Open an empty file, and let it be drawn."""
    blender.run("bpy.ops.wm.read_homefile(use_empty=True, app_template=''); 0")
    calm(blender)


def calm(blender):
    """Wait until the window has nothing to do any more."""
    blender.settle()
    time.sleep(CALM_S)
    blender.settle()


def quitting(blender, picture):
    """How long Blender takes to end, and that is without and with jobs."""
    blender.until("not session.is_busy()", 60)
    without = blender.quit() * 1000
    blender.start()
    for service in ("MESHY", "LOCAL"):
        jobs.start(blender, picture, service)
    blender.until("len(session.processes) == 2")
    tell("quitting without jobs", [without])
    bound("quitting with two running jobs", blender.quit() * 1000, QUIT_BOUND_MS)


def _cube(folder):
    path = Path(folder, "cube.glb")
    path.write_bytes(cube_glb())
    return path


def _picture(folder):
    path = Path(folder, "Red Star.png")
    path.write_bytes(star_png(96))
    return path


if __name__ == "__main__":
    main()
