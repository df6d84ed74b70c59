# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender with a window, as one who sits before it has it: its mouse, its keyboard, and what its screen shows.

Points and boxes are those of the picture of the screen: pixels, from the upper left corner. What is done to a point is
done in the newest window there, and keys go to the window that the mouse is in.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from gui import eyes, screen

ROOT = Path(__file__).resolve().parent.parent.parent
INSIDE = Path(__file__).with_name("inside.py")

PICTURES_FROM = (5, 2)  # the Blender that the manual's pictures are of

START_S = 60
ANSWER_S = 180
"""Against a hang. Without a graphics card 4.3.2 takes more than a minute for its first Material Preview, where other
suites run beside it."""
LOOK_S = 0.03

DRAG_STEPS = 5
NEAR_PX = 320
STATUS_PX = 24
TABS_PX = 23  # the width of a sidebar's column of tabs
FIELD_PX = 40  # from the end of a label into the field beside it

NAMES = {
    " ": "SPACE", "/": "SLASH", "\\": "BACK_SLASH", ".": "PERIOD", ",": "COMMA", "-": "MINUS", "_": "MINUS", "+": "PLUS",
    "=": "EQUAL", ";": "SEMI_COLON", "'": "QUOTE", "(": "NINE", ")": "ZERO", ":": "SEMI_COLON", '"': "QUOTE",
    "0": "ZERO", "1": "ONE", "2": "TWO", "3": "THREE", "4": "FOUR", "5": "FIVE", "6": "SIX", "7": "SEVEN", "8": "EIGHT", "9": "NINE",
}  # fmt: skip
"""Blender's names of the keys that make a character; letters are their own. Every other character comes from some key.
"""


class Box(NamedTuple):
    """A part of the screen."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def center(self):
        return (self.left + self.right) // 2, (self.top + self.bottom) // 2


class BlenderError(AssertionError):
    """A piece of Python failed in Blender."""


class BlenderGone(AssertionError):
    """Blender has ended without being asked."""


class Blender:
    """A process of Blender on an X display, with a user folder of its own.

    `binary` is its path, `folder` keeps what it writes (the same folder again finds the jobs of before), `environment`
    is set for it beside the usual. The extension is the checkout, unless one is installed in the folder.
    """

    OPTIONS = ("--factory-startup", "--enable-event-simulate")
    BEGIN = "prepared"  # what inside.py does at the start

    def __init__(self, binary, display, folder, environment=()):
        self.binary = binary
        self.display = display
        self.folder = Path(folder)
        self.environment = dict(environment)
        self.process = None
        self._line = None
        self._window = 0
        self._at = (screen.WIDTH // 2, screen.HEIGHT // 2)
        self._heard = 0
        self._height = screen.picture(display).height
        self.version = ()
        self.start()

    # The process

    def start(self):
        """Start it, and wait for its window."""
        resources = self.folder / "resources"
        extensions = resources / "extensions" / "user_default"
        temporary = self.folder / "tmp"
        extensions.mkdir(parents=True, exist_ok=True)
        temporary.mkdir(exist_ok=True)
        if self.BEGIN == "prepared" and not os.path.lexists(extensions / "image_to_3d"):
            (extensions / "image_to_3d").symlink_to(ROOT, target_is_directory=True)
        server = socket.create_server(("127.0.0.1", 0))
        server.settimeout(START_S)
        dropped = ("BLENDER_", "PYTHON", "CSM_API_", "MESHY_API_", "COMFYUI_API_", "WAYLAND_DISPLAY", "IMAGE_TO_3D_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    self.binary,
                    *self.OPTIONS,
                    *("--window-geometry", "0", "0", str(screen.WIDTH), str(screen.HEIGHT)),
                    *("--python-exit-code", "1", "--python", str(INSIDE)),
                ],
                env={
                    **inherited,
                    **({"DISPLAY": self.display} if self.display else {}),
                    "LIBGL_ALWAYS_SOFTWARE": "1",
                    "BLENDER_USER_RESOURCES": str(resources),
                    "TMPDIR": str(temporary),
                    "IMAGE_TO_3D_PORT": str(server.getsockname()[1]),
                    "IMAGE_TO_3D_BEGIN": self.BEGIN,
                    "IMAGE_TO_3D_PICTURES": os.environ.get("IMAGE_TO_3D_PICTURES", ""),
                    **self.environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        with server:
            until = time.monotonic() + START_S
            server.settimeout(0.1)
            while True:
                with contextlib.suppress(TimeoutError):
                    connection, _ = server.accept()
                    break
                if self.process.poll() is not None or time.monotonic() > until:
                    self.kill()
                    raise BlenderGone(f"Blender did not start:\n{self.output()}")
        connection.settimeout(ANSWER_S)
        self._line = connection.makefile("rwb")
        connection.close()
        self._window = 0
        self.version = tuple(self.run("list(bpy.app.version)"))
        self.settle()

    def quit(self):
        """End it as File > Quit does, without asking; return how long that took in seconds."""
        began = time.monotonic()
        with contextlib.suppress(BlenderGone):
            self.run("bpy.ops.wm.quit_blender()")
        code = self.process.wait(ANSWER_S)
        self._hang_up()
        assert code == 0, f"Blender ended with {code}:\n{self.output()}"
        return time.monotonic() - began

    def kill(self):
        """End it as a power failure does."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._hang_up()

    @property
    def is_connected(self):
        """Whether it should be running: it was neither quit nor killed, and its crash has not been told yet."""
        return self._line is not None

    def is_alive(self):
        """Whether the process runs."""
        return self.process.poll() is None

    @property
    def log(self):
        return self.folder / "output.txt"

    def output(self):
        """What it has printed since `forget_output`, and what it wrote down when it crashed."""
        crashes = [path.read_bytes() for path in sorted((self.folder / "tmp").glob("*.crash.txt"))]
        return b"\n".join([self.log.read_bytes()[self._heard :], *crashes]).decode(errors="replace")

    def forget_output(self):
        """Let `output` begin here."""
        self._heard = self.log.stat().st_size

    def _hang_up(self):
        if self._line:
            with contextlib.suppress(OSError):
                self._line.close()
            self._line = None

    # Python in it

    def _order(self, order, **options):
        try:
            self._line.write(json.dumps({"order": order, "options": options}).encode() + b"\n")
            self._line.flush()
            answer = self._line.readline()
        except (TimeoutError, ConnectionError) as error:
            answer = b""
            if self.is_alive() and isinstance(error, TimeoutError):
                raise BlenderGone(f"Blender did not answer within {ANSWER_S} s:\n{self.output()}") from None
        if not answer:
            self._hang_up()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(ANSWER_S)
            raise BlenderGone(f"Blender ended with {self.process.poll()}:\n{self.output()}")
        answer = json.loads(answer)
        if "error" in answer:
            raise BlenderError(answer["error"])
        return answer["result"]

    def run(self, code, **values):
        """Run statements with `bpy`, `session` (a module of the extension) and `values` as names. Return what the last
        one gives, as JSON does. Raises `BlenderError` with the traceback."""
        return self._order("run", code=code, values=values)

    def until(self, expression, seconds=40, **values):
        """Wait until an expression is true in Blender, and return it."""
        end = time.monotonic() + seconds
        while not (result := self.run(expression, **values)):
            assert time.monotonic() < end, f"{expression} is still {result!r} after {seconds} s"
            time.sleep(LOOK_S)
        return result

    def settle(self):
        """Let it handle its events and draw."""
        for _ in range(3):
            self._order("nothing")

    # Mouse and keyboard

    def _act(self, *events):
        """Let events arrive where the mouse is; Blender handles them, and draws, before it takes the next order."""
        windows = self._order("windows")
        if self._window >= len(windows):  # it was closed
            self._window = 0
        left, bottom, _, _ = windows[self._window]
        at = {"x": self._at[0] - left, "y": self._height - 1 - self._at[1] - bottom}
        self._order("events", window=self._window, events=[{**at, **event} for event in events])

    def move(self, x, y):
        """Move the mouse to a point."""
        self._at = int(x), int(y)
        for index, (left, bottom, width, height) in enumerate(self._order("windows")):
            if left <= x < left + width and bottom <= self._height - 1 - y < bottom + height:
                self._window = index  # a newer window lies above
        self._act({"type": "MOUSEMOVE", "value": "NOTHING"})

    def leave(self):
        """Move the mouse into the 3D View: tooltips go, and what was under it shows how it is now."""
        self.move(*self.area().center)
        self.settle()

    def press(self, key, **modifiers):
        """Press and release a key, by Blender's name: press("F3"), press("A", ctrl=True)."""
        for value in ("PRESS", "RELEASE"):
            self._act({"type": key, "value": value, **modifiers})
        self.settle()

    def type(self, text):
        """Type a text."""
        strikes = []
        for character in text:
            key = NAMES.get(character, character.upper() if character.isascii() and character.isalpha() else "A")
            strike = {"type": key, "shift": character.isupper()}
            strikes += [{**strike, "value": "PRESS", "unicode": character}, {**strike, "value": "RELEASE"}]
        self._act(*strikes)
        self.settle()

    def click(self, x, y, button="LEFTMOUSE", **modifiers):
        """Click at a point."""
        self.move(x, y)
        self.press(button, **modifiers)

    def double_click(self, x, y):
        """Click twice at a point, as fast as one can."""
        self.move(x, y)
        # In one order, as Blender draws between two.
        self._act(*({"type": "LEFTMOUSE", "value": value} for value in ("PRESS", "RELEASE", "PRESS", "RELEASE")))
        self.settle()

    def drag(self, start, end, button="LEFTMOUSE", **modifiers):
        """Drag with the mouse from one point to another, both in one window."""
        self.move(*start)
        self._act({"type": button, "value": "PRESS", **modifiers})
        for step in range(1, DRAG_STEPS + 1):
            self._at = tuple(round(a + (b - a) * step / DRAG_STEPS) for a, b in zip(start, end, strict=True))
            self._act({"type": "MOUSEMOVE", "value": "NOTHING", **modifiers})
        self._act({"type": button, "value": "RELEASE", **modifiers})
        self.settle()

    def hold(self, button="LEFTMOUSE"):
        """Press a button of the mouse, and hold it until `let_go`."""
        self._act({"type": button, "value": "PRESS"})
        self.settle()

    def let_go(self, button="LEFTMOUSE"):
        """Release a button that is held."""
        self._act({"type": button, "value": "RELEASE"})
        self.settle()

    def search(self, text):
        """Run what Blender's search menu (F3) finds for a text."""
        self.press("F3")
        self.type(text)
        self.press("RET")

    # Eyes

    def picture(self):
        """What the screen shows now."""
        self.settle()
        return screen.picture(self.display)

    def area(self, kind="VIEW_3D", region="", number=0):
        """The box of an editor, or of one of its regions; `number` counts the editors of this kind."""
        editors = []
        for window, name, box in self._order("regions", area=kind):
            if not name:
                editors.append({})
            editors[-1][name] = window, box
        assert len(editors) > number and region in editors[number], f"there is no {kind} {region} number {number}"
        window, (x, y, width, height) = editors[number][region]
        left, bottom, _, _ = self._order("windows")[window]
        lower = self._height - bottom - y
        return Box(left + x, lower - height, left + x + width, lower)

    def status_bar(self):
        """The box of the bar at the lower edge of the first window, with reports and progress."""
        left, bottom, width, _ = self._order("windows")[0]
        return Box(left, self._height - bottom - STATUS_PX, left + width, self._height - bottom)

    def around(self):
        """The box around the mouse in which a menu or a dialog opens. To read it is quicker than to read the screen."""
        x, y = self._at
        return Box(max(0, x - NEAR_PX), max(0, y - NEAR_PX), x + NEAR_PX, y + NEAR_PX)

    def find(self, text, within=None, *, number=None, turned=False, seconds=20):
        """The box of a text on the screen, as soon as it can be read there: Blender may take a moment to show it. It
        must stand in one place only, or `number` says which, from the top."""
        end = time.monotonic() + seconds
        readings = {}
        while True:
            found, picture, words = self._look(text, within, turned)
            if len(found) == 1 if number is None else len(found) > number:
                return Box(*found[number or 0])
            readings[" ".join(word.text for word in words)] = None
            if time.monotonic() > end:
                break
            time.sleep(LOOK_S)
        path = self.folder / "not found.png"
        picture.crop(within or (0, 0, *picture.size)).save(path)
        where = f"in {len(found)} places: {found}" if found else "nowhere"
        raise AssertionError(f"{text!r} is {where}. {path} is the last picture; read was: {list(readings)}")

    def sees(self, text, within=None, *, turned=False):
        """Whether a text can be read on the screen now."""
        return bool(self._look(text, within, turned)[0])

    def reads(self, within):
        """All that can be read in a box of the screen now."""
        return " ".join(word.text for word in eyes.read(self.picture(), within))

    def click_on(self, text, within=None, *, number=None, turned=False, button="LEFTMOUSE"):
        """Click on a text on the screen."""
        self.click(*self.find(text, within, number=number, turned=turned).center, button=button)

    def beside(self, label, within=None, *, number=None):
        """A point in the field that stands to the right of its label."""
        box = self.find(label, within, number=number)
        return box.right + FIELD_PX, box.center[1]

    def enter(self, text, label, within=None, *, number=None):
        """Type a text or a number into the field with this label, in place of what it holds."""
        self.double_click(*self.beside(label, within, number=number))
        self.press("A", ctrl=True)
        self.type(text)
        self.press("RET")

    def pick(self, choice, label, within=None):
        """Choose from the menu that the field with this label opens."""
        field = self.find(label, within)
        self.click(field.right + FIELD_PX, field.center[1])
        self.click_on(choice, self.around()._replace(left=field.right))  # the menu lies over the fields, not the labels
        self.leave()

    def _look(self, text, within, turned):
        picture = self.picture()
        words = eyes.read(picture, within or (0, 0, *picture.size), turned=turned)
        return eyes.places(words, text, turned=turned), picture, words

    # The extension's sidebar

    def open_sidebar(self, kind="VIEW_3D", number=0):
        """Open the sidebar of an editor and our tab in it, by keyboard and mouse; return the box of what the tab shows."""
        self.move(*self.area(kind, "WINDOW", number).center)
        self.press("N")
        self.settle()
        side = self.area(kind, "UI", number)
        tabs = Box(side.right - TABS_PX, side.top, side.right, side.bottom)
        self.click_on("Image to 3D", tabs, turned=True)
        return Box(side.left, side.top, tabs.left, side.bottom)
