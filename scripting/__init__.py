# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script inside Blender uses: `generate()`, `job()`, `jobs()` and `Job`. Draws nothing, and never holds a window.

from bl_ext.user_default.image_to_3d import scripting

job = scripting.generate("fox.png", service="LOCAL").wait()
print(job.objects)
"""
