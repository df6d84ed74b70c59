# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshy: image-to-3D tasks of a web service, with an account. The table of parameters, the prices, the client; does
nothing itself."""

from .client import Meshy

__all__ = ["Meshy"]
