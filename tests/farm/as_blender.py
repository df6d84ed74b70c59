# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the Blender binary on a farm's worker: takes `--online-mode --command image_to_3d …` as Blender does,
and becomes the real command line in a Python that has Blender as a module. Only for tests."""

import os
import sys

COMMAND, NAME, ONLINE = "--command", "image_to_3d", "--online-mode"

before, after = sys.argv[1 : sys.argv.index(COMMAND)], sys.argv[sys.argv.index(COMMAND) + 1 :]
if after[:1] != [NAME] or not set(before) <= {ONLINE}:
    sys.exit(f"Blender would not understand this: {sys.argv[1:]}")
os.execv(sys.executable, [sys.executable, "-P", "-m", "image_to_3d.command", *before, *after[1:]])
