# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a picture of the screen says, with tesseract, and tells where it says so. Guesses nothing: what is not
there is not found."""

import functools
import os
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np
import pytesseract
from PIL import Image

os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # tesseract's threads wait for each other more than they help

LETTER_PX = 7  # odd, and wider than a stroke of a letter: what is wider is the ground that the letter is on
CONTRAST = 2
ENLARGED = 3  # the letters are about 8 pixels high, tesseract wants more than 20
SPACE_PX = 14  # words that are further apart belong to different texts

KEPT = 32  # readings: a test looks for several texts in one picture, and again while nothing has changed

ALIKE = 0.8  # texts are the same if so much of them is: one letter in five may be misread


class Word(NamedTuple):
    """A word in a picture, and its box there."""

    text: str
    left: int
    top: int
    right: int
    bottom: int

    def moved(self, right, down):
        """The same word so far to the right and down."""
        return self._replace(
            left=self.left + right, top=self.top + down, right=self.right + right, bottom=self.bottom + down
        )


def read(picture, box, *, turned=False):
    """All words in a box of a picture. `turned`: they are written downwards, as on the tabs of a sidebar."""
    part = picture.crop(box).convert("L")
    return [word.moved(box[0], box[1]) for word in _read(part.size, part.tobytes(), turned)]


@functools.lru_cache(maxsize=KEPT)
def _read(size, pixels, turned):
    part = np.frombuffer(pixels, np.uint8).reshape(size[::-1])
    if turned:
        part = np.rot90(part)
    # What is narrow and light is kept. That leaves letters, and neither buttons nor what lies behind them.
    ground = _extreme(np.maximum, _extreme(np.minimum, part))
    letters = 255 - np.minimum(255, (part - ground).astype(np.uint16) * CONTRAST).astype(np.uint8)
    picture = Image.fromarray(letters)
    picture = picture.resize((picture.width * ENLARGED, picture.height * ENLARGED), Image.Resampling.BICUBIC)
    picture.format = "PPM"  # in which pytesseract hands it on: to pack a PNG takes a tenth of a second
    data = pytesseract.image_to_data(picture, config="--psm 11", output_type=pytesseract.Output.DICT)
    words = []
    for text, *edges in zip(*(data[key] for key in ("text", "left", "top", "width", "height")), strict=True):
        left, top, wide, high = (round(edge / ENLARGED) for edge in edges)
        right, bottom = left + wide, top + high
        if turned:
            left, top, right, bottom = size[0] - bottom, left, size[0] - top, right
        if _plain(text):
            words.append(Word(text.strip(), left, top, right, bottom))
    return words


def _extreme(which, pixels):
    """Each pixel's least or greatest neighbour in a square of LETTER_PX; at the edges the square is smaller."""
    reach = LETTER_PX // 2
    for _ in range(2):  # down, then across
        of_rows = pixels.copy()
        for step in range(1, reach + 1):
            which(of_rows[step:], pixels[:-step], out=of_rows[step:])
            which(of_rows[:-step], pixels[step:], out=of_rows[:-step])
        pixels = of_rows.T
    return pixels


def places(words, text, *, turned=False):
    """Where a text stands among words: boxes (left, top, right, bottom) of the places that fit it best, from the
    top."""
    wanted = _plain(text)
    count = len(text.split())
    found = []
    for start in words:
        run = [start]
        for _ in range(count + 1):  # tesseract may part a word in two, or make one of two
            likeness = SequenceMatcher(None, wanted, _plain("".join(word.text for word in run)), autojunk=False).ratio()
            if likeness >= ALIKE:
                found.append((likeness, tuple(run)))
            after = [word for word in words if _follows(run[-1], word, turned)]
            if not after:
                break
            run.append(min(after, key=lambda word: (word.left, word.top)))
    best = max((likeness for likeness, _ in found), default=0)
    runs = sorted((run for likeness, run in found if likeness == best), key=len)
    apart = [run for index, run in enumerate(runs) if not any(set(run) & set(other) for other in runs[:index])]
    return sorted((_around(run) for run in apart), key=lambda box: (box[1], box[0]))


def _follows(word, other, turned):
    """Whether `other` is the next word of the same text."""
    if turned:
        word, other = (Word(w.text, w.top, w.left, w.bottom, w.right) for w in (word, other))
    together = min(word.bottom, other.bottom) - max(word.top, other.top)
    return together * 2 > min(word.bottom - word.top, other.bottom - other.top) and (
        # Tesseract draws some boxes over the words that follow.
        (word.left + word.right) / 2 < other.left < word.right + SPACE_PX
    )


def _around(run):
    return min(w.left for w in run), min(w.top for w in run), max(w.right for w in run), max(w.bottom for w in run)


def _plain(text):
    return "".join(letter for letter in text.lower() if letter.isalnum())
