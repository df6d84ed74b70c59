# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a picture of the screen says, with tesseract, and tells where it says so. Guesses nothing: what is not
there is not found."""

import os
from difflib import SequenceMatcher
from typing import NamedTuple

import pytesseract
from PIL import Image, ImageChops, ImageFilter, ImageOps

os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # tesseract's threads wait for each other more than they help

LETTER_PX = 7  # odd, and wider than a stroke of a letter: what is wider is the ground that the letter is on
CONTRAST = 2
ENLARGED = 3  # the letters are about 8 pixels high, tesseract wants more than 20
SPACE_PX = 14  # words that are further apart belong to different texts

ALIKE = 0.8  # texts are the same if so much of them is: one letter in five may be misread


class Word(NamedTuple):
    """A word in a picture, and its box there."""

    text: str
    left: int
    top: int
    right: int
    bottom: int


def read(picture, box, *, turned=False):
    """All words in a box of a picture. `turned`: they are written downwards, as on the tabs of a sidebar."""
    part = picture.crop(box).convert("L")
    width = part.width
    if turned:
        part = part.transpose(Image.Transpose.ROTATE_90)
    # What is narrow and light is kept. That leaves letters, and neither buttons nor what lies behind them.
    ground = part.filter(ImageFilter.MinFilter(LETTER_PX)).filter(ImageFilter.MaxFilter(LETTER_PX))
    letters = ImageChops.subtract(part, ground).point(lambda value: min(255, value * CONTRAST))
    letters = ImageOps.invert(letters)
    letters = letters.resize((letters.width * ENLARGED, letters.height * ENLARGED), Image.Resampling.BICUBIC)
    data = pytesseract.image_to_data(letters, config="--psm 11", output_type=pytesseract.Output.DICT)
    words = []
    for text, *sizes in zip(*(data[key] for key in ("text", "left", "top", "width", "height")), strict=True):
        left, top, wide, high = (round(size / ENLARGED) for size in sizes)
        right, bottom = left + wide, top + high
        if turned:
            left, top, right, bottom = width - bottom, left, width - top, right
        if _plain(text):
            words.append(Word(text.strip(), box[0] + left, box[1] + top, box[0] + right, box[1] + bottom))
    return words


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
