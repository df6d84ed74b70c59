# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators: each reads the context, calls a function, reports. One public operator a file."""
