# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels: draw what the settings and the session hold. Never write, never do I/O."""
