# SPDX-License-Identifier: GPL-3.0-or-later
"""A stream of events, piece by piece as it may come. No connection: what is read is handed over."""

import itertools

import pytest
import requests

from image_to_3d.api.connection import Opened
from image_to_3d.api.events import EVENT_AT_MOST, LINE_BYTES, events_of
from image_to_3d.api.watch import Watch


class Raw:
    """The body of an answer, in these pieces."""

    chunked = True

    def __init__(self, *pieces):
        self._pieces = pieces
        self.taken = 0

    def stream(self, size, decode_content):
        for piece in self._pieces:
            self.taken += 1
            if isinstance(piece, Exception):
                raise piece
            yield piece


def opened(raw):
    times = dict.fromkeys(("connect_s", "send_s", "sending_s", "silence_s", "answer_s"), 10.0)
    return Opened(200, {}, raw, Watch(lambda: None, **times))


def read(*pieces):
    return list(events_of(opened(Raw(*pieces)), 5.0))


@pytest.mark.parametrize(
    ("said", "events"),
    [
        (b'data: {"a": 1}\n\n', [("message", {"a": 1})]),
        (b'data:{"a": 1}\n\n', [("message", {"a": 1})]),
        (b'data: {"a": 1}\r\n\r\n', [("message", {"a": 1})]),
        (b'event: error\ndata: {"a": 1}\n\n', [("error", {"a": 1})]),
        (b'event: error\ndata: {"a": 1}\n\ndata: {"b": 2}\n\n', [("error", {"a": 1}), ("message", {"b": 2})]),
        (b'data: {"a":\ndata: 1}\n\n', [("message", {"a": 1})]),
        (b': here\nid: 7\nretry: 3\ndata: {"a": 1}\n\n', [("message", {"a": 1})]),
        (b'data: [1]\n\ndata: no\n\ndata: \xff\n\n\n\ndata: {"a": 1}\n\n', [("message", {"a": 1})]),
        (b'data: {"a": "\xe7\x8b\x90"}\n\n', [("message", {"a": "\u72d0"})]),
        (b'data: {"a": 1}\n', []),  # the end of it never came
        (b"data: " + b"[" * 100_000 + b"\n\n", []),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, bytes) else None,
)
def test_what_an_event_says(said, events):
    assert read(said) == events
    assert read(*(said[at : at + 1] for at in range(min(len(said), 200))), said[200:]) == events


def test_an_event_that_is_too_long_is_left_out_and_the_next_is_read():
    lines = [b'data: "%d": "' % number + b"x" * (EVENT_AT_MOST // 2) + b'",\n' for number in range(3)]
    said = [b"data: {\n", *lines, b'data: "3": 1}\n\n']
    assert read(*said, b'data: {"c": 1}\n\n') == [("message", {"c": 1})]


def test_a_line_without_end_is_no_stream():
    raw = Raw(*itertools.repeat(b"x" * (1 << 20), 100))
    with pytest.raises(requests.exceptions.ConnectionError):
        list(events_of(opened(raw), 5.0))
    assert raw.taken <= (LINE_BYTES >> 20) + 1


def test_a_break_is_told_after_what_came_before_it():
    events = events_of(opened(Raw(b'data: {"a": 1}\n\n', OSError("reset"))), 5.0)
    assert next(events) == ("message", {"a": 1})
    with pytest.raises(requests.exceptions.ConnectionError):
        next(events)
