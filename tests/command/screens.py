# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal of a few lines: a real pseudo-terminal to write to, and what would be seen on it. For tests only."""

import fcntl
import os
import re
import select
import struct
import termios

PIECE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n])")


class Screen:
    """`stream` is what a program has for its standard output. Lines that move off its top are in `lines`, too."""

    def __init__(self, width, height, encoding="utf-8"):
        self._master, slave = os.openpty()
        self.stream = open(slave, "w", encoding=encoding, errors="strict", newline="")  # noqa: SIM115
        self._lines, self._row, self._column = [""], 0, 0
        self.said = ""
        self.modes = []
        self.resize(width, height)

    def resize(self, width, height):
        self.width, self.height = width, height
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    @property
    def lines(self):
        """All that was written and not taken away, line by line."""
        self._hear()
        return [line.rstrip() for line in self._lines]

    def _hear(self):
        while select.select([self._master], [], [], 0.05)[0]:
            text = os.read(self._master, 1 << 16).decode(self.stream.encoding)
            self.said += text
            self._show(text)

    def _show(self, text):
        for found in PIECE.finditer(text):
            private, numbers, command, is_return, is_newline, character = found.groups()
            if private:
                self.modes.append(found[0])
            elif command == "A":
                # Never above what is seen
                self._row = max(self._row - int(numbers or 1), len(self._lines) - self.height, 0)
            elif command == "J":
                self._lines = [*self._lines[: self._row], self._lines[self._row][: self._column]]
            elif is_return:
                self._column = 0
            elif is_newline:
                self._down()
            elif character:
                if self._column == self.width:
                    self._down()
                    self._column = 0
                line = self._lines[self._row].ljust(self._column)
                self._lines[self._row] = line[: self._column] + character + line[self._column + 1 :]
                self._column += 1

    def _down(self):
        self._row += 1
        if self._row == len(self._lines):
            self._lines.append("")

    def close(self):
        self.stream.close()
        os.close(self._master)
