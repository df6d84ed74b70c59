# SPDX-License-Identifier: GPL-3.0-or-later
"""A job is a folder and a process. Nothing here imports bpy or knows a service's fields."""
