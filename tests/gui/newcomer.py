# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender as one has it who has just installed it: Blender's own defaults, no extension, and real hands at the mouse
and the keyboard. Nothing is simulated in it, and Python sets nothing but what a machine without a graphics card needs.
"""

from pathlib import Path

from gui.blender import DRAG_STEPS, Blender

BESIDE_PX = 3


class NewBlender(Blender):
    """A Blender that was never started before. A test asks with `run`, and does all else with the hands.
    `hands` are those for its screen, `home` is the folder in which its file browser opens first."""

    OPTIONS = ()
    BEGIN = "as it comes"

    def __init__(self, binary, display, folder, hands, home):
        self.hands = hands
        self.home = Path(home)
        super().__init__(binary, display, folder, {"HOME": str(self.home)})

    def move(self, x, y):
        """Move the mouse to a point. It comes from beside it: Blender finds the region first, and then the button."""
        self._at = int(x), int(y)
        for point in ((self._at[0], self._at[1] + BESIDE_PX), self._at):
            self.hands.move(*point)
            self.settle()

    def press(self, key, **modifiers):
        if key.endswith("MOUSE"):
            assert not modifiers, "no test has needed these with the mouse yet"
            self.hold(key)
            self.let_go(key)
            return
        self.hands.press(key, **modifiers)
        self.settle()

    def type(self, text):
        self.hands.type(text)
        self.settle()

    def double_click(self, x, y):
        self.move(x, y)
        self.hands.double_click()
        self.settle()

    def drag(self, start, end, button="LEFTMOUSE"):
        self.move(*start)
        self.hold(button)
        for step in range(1, DRAG_STEPS + 1):
            self._at = tuple(round(a + (b - a) * step / DRAG_STEPS) for a, b in zip(start, end, strict=True))
            self.hands.move(*self._at)
            self.settle()
        self.let_go(button)

    def hold(self, button="LEFTMOUSE"):
        self.hands.hold(button)
        self.settle()

    def let_go(self, button="LEFTMOUSE"):
        self.hands.let_go(button)
        self.settle()
