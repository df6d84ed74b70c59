# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile manners: each spoils a good answer of `hostile.py` in one way, and says in words how. `spoil` composes one to
three of them.

All that is left to chance comes from the `random.Random` that is handed in, so that the same number spoils an answer
the same way.
"""

import functools
import gzip
import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from hostile import FOREVER_S, SIGNATURE, Answer, Piece, World

NEVER_ROUTED = "192.0.2.1"  # RFC 5737: no host has this address
MOST_MB = 24

Spoil = Callable[[random.Random, Answer, World], str | None]


class Manner(NamedTuple):
    """One way to spoil an answer. `spoil` returns what it did in words, None where it does not fit the answer.

    `step` is the order in which manners go on top of each other. `is_slow` marks those that keep the client waiting:
    there are few of these in a run. `cuts` marks those after which a text may arrive in part, so that half a key says
    nothing about the client.
    """

    name: str
    step: int
    spoil: Spoil
    weight: float
    routes: tuple[str, ...]
    is_slow: bool
    cuts: bool


MANNERS: list[Manner] = []
DOCUMENT, TEXT, STATUS, HEADERS, FRAMING, WIRE, TIMING = range(7)
SLOW_SHARE = 0.04  # of all cases


def manner(step: int, *, weight: float = 1.0, routes: tuple[str, ...] = (), slow: bool = False, cuts: bool = False):
    """Add a function to `MANNERS`, under its own name."""

    def add(spoil: Spoil) -> Spoil:
        name = spoil.__name__.replace("_", " ")
        MANNERS.append(Manner(name, step, spoil, weight, routes, slow or step == TIMING, cuts))
        return spoil

    return add


def spoil(
    rng: random.Random, answer: Answer, world: World, route: str, *, slow: bool | None = None
) -> tuple[str, bool]:
    """Spoil `answer` in one to three manners; return which, in words, and whether a text may arrive in part.

    `slow` says whether one that keeps the client waiting is among them; None leaves it to chance.
    """
    fitting = [one for one in MANNERS if not one.routes or route in one.routes]
    slow = rng.random() < SLOW_SHARE if slow is None else slow
    words: list[str] = []
    cuts = False
    chosen: list[Manner] = []
    for number in range(rng.choice((1, 1, 1, 2, 2, 3))):
        among = [one for one in fitting if one.is_slow == (slow and number == 0) and one not in chosen]
        chosen += rng.choices(among, [one.weight for one in among])
    for one in sorted(chosen, key=lambda one: one.step):
        said = one.spoil(rng, answer, world)
        if said:
            words.append(f"{one.name}: {said}")
            cuts = cuts or one.cuts
    if not words:
        answer.body, answer.documents, answer.events = b"", [], []
        words = ["empty body"]
    return "; ".join(words), cuts


def named(name: str) -> Spoil:
    """The manner called `name`, for a test about it alone."""
    return next(one.spoil for one in MANNERS if one.name == name)


# What may stand in a text.


def strange_text(rng: random.Random, world: World) -> tuple[str, str]:
    """A text that nobody expects, and what it is in words."""
    key = world.key
    kinds: list[tuple[str, Callable[[], str]]] = [
        ("half an emoji", lambda: rng.choice(("\ud83d", "fox \udd8a fox", "\ude00\ud83d", "a\udcff"))),
        ("control characters", lambda: "".join(map(chr, rng.sample(range(1, 32), 6))) + "\x7f\x85 end"),
        (
            "a terminal escape",
            lambda: rng.choice(("\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\x9b31m", "\x1b]8;;http://x\x1b\\")),
        ),
        ("bidi marks", lambda: rng.choice(("\u202eexe.fox", "\u2066a\u2069\u200f", "\u061c\u200e"))),
        ("invisible characters", lambda: "fo\u200bx \ufeff\u00ad\u2060\U000e0041"),
        ("NUL", lambda: "fox\x00fox"),
        ("line ends", lambda: rng.choice(("a\nb\r\nc", "a\u2028b\u2029c", "a\x0b\x0cb", "\n" * 200))),
        ("our key", lambda: rng.choice((key, f"Bearer {key}", f"the key {key} is wrong", f"x-api-key: {key}"))),
        (
            "our key with marks in it",
            lambda: rng.choice(
                (key[:9] + "\u200b" + key[9:], "\u00ad".join(key), "\u202e" + key[:20] + "\u202c" + key[20:])
            ),
        ),
        ("our key after many words", lambda: "word " * rng.randrange(50, 70) + key),
        (
            "our key written otherwise",
            lambda: rng.choice((json.dumps(key)[1:-1], "".join(f"%{ord(c):02x}" for c in key), key.upper())),
        ),
        (
            "a signed address",
            lambda: rng.choice((world.glb_url, f"see {world.glb_url}.", world.glb_url.replace("://", ":\u200b//"))),
        ),
        ("a data URI", lambda: "data:image/png;base64," + "iVBORw0KGgo" * rng.choice((1, 100, 10_000))),
        ("braces and percents", lambda: rng.choice(("{said}{label}{0}", "%s %d %(key)s", "{", "}", "{0.__class__}"))),
        ("markup", lambda: "<html><body><h1>502 Bad Gateway</h1></body></html>"),
        ("5 MB", lambda: "x" * 5_000_000),
        ("5 MB of http://", lambda: "http://" * (5_000_000 // 7)),
        ("1 MB of data:", lambda: "data:" * 200_000),
        ("1 MB of https://a?", lambda: "https://a?" * 100_000),
        ("1 MB of a:// without an end", lambda: "a" * 1_000_000 + "://"),
        ("1 MB of blanks", lambda: " " * 1_000_000 + "end"),
        ("combining marks", lambda: "Z" + "\u0301" * 2000),
        ("no words at all", lambda: rng.choice(("", " ", ".", "...", "()", "\u3000"))),
        ("a path", lambda: rng.choice(("../../etc/passwd", "C:\\CON", "a/b", "..", "/"))),
        ("other scripts", lambda: "\u72d0\u72f8 \u0644\u062b\u0639\u0644\u0628 \u05e9\u05d5\u05e2\u05dc \U0001f98a"),
        ("a very long word", lambda: "pneumono" * rng.choice((40, 400))),
    ]
    words, make = rng.choice(kinds)
    return make(), words


IMPORTANT = frozenset(
    {"status", "id", "result", "progress", "model_urls", "glb", "created_at", "message", "balance", "data", "results"}
    | {"session_code", "session_status", "percent_done", "task_error", "consumed_credits", "preceding_tasks", "error"}
    | {"texture_urls", "mesh_url_glb", "status_message", "base_color", "texture_prompt"}
)

WRONG: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1e308,
    -0.5,
    10**18,
    "",
    "x",
    [],
    {},
    [[]],
    [None],
    {"a": {"b": []}},
)


def places(documents: list[Any]) -> list[tuple[Any, Any]]:
    """Every place in JSON values that holds something: the container, and the name or number in it."""
    found: list[tuple[Any, Any]] = []
    left: list[Any] = [documents]
    while left:
        here = left.pop()
        for name in list(here) if isinstance(here, dict) else range(len(here)):
            found.append((here, name))
            if isinstance(here[name], (dict, list)):
                left.append(here[name])
    return found


def a_place(rng: random.Random, answer: Answer, *, text: bool = False) -> tuple[Any, Any] | None:
    """A place in the answer's documents, more often one that matters. `text`: one that holds a text."""
    found = places(answer.documents)
    if text:
        found = [(here, name) for here, name in found if isinstance(here[name], str)]
    important = [(here, name) for here, name in found if name in IMPORTANT]
    if important and rng.random() < 0.7:
        found = important
    return rng.choice(found) if found else None


# In the documents.


@manner(DOCUMENT, weight=4)
def wrong_type(rng: random.Random, answer: Answer, world: World) -> str | None:
    place = a_place(rng, answer)
    if place is None:
        return None
    here, name = place
    here[name] = rng.choice(WRONG)
    return f"{name!r} is {here[name]!r}"


@manner(DOCUMENT)
def missing_field(rng: random.Random, answer: Answer, world: World) -> str | None:
    place = a_place(rng, answer)
    if place is None or place[0] is answer.documents:
        return None
    del place[0][place[1]]
    return f"{place[1]!r} is not there"


@manner(DOCUMENT, weight=7)
def strange_words(rng: random.Random, answer: Answer, world: World) -> str | None:
    place = a_place(rng, answer, text=True)
    if place is None:
        return None
    here, name = place
    here[name], words = strange_text(rng, world)
    answer.ascii_only = rng.random() < 0.6
    return f"{name!r} holds {words}{'' if answer.ascii_only else ', not escaped'}"


@manner(DOCUMENT, weight=2)
def strange_name(rng: random.Random, answer: Answer, world: World) -> str | None:
    found = [here for here, _ in places(answer.documents) if isinstance(here, dict)]
    if not found:
        return None
    here = rng.choice(found)
    text, words = strange_text(rng, world)
    text = rng.choice(("", "mesh_url_")) + text[:100_000]
    for name in [name for name in here if "url" in name or "glb" in name or "fbx" in name][: rng.randrange(1, 4)]:
        if rng.random() < 0.7:
            here[text] = here.pop(name)
    here.setdefault(text, world.glb_url)
    return f"a field's name is {words}"


@manner(DOCUMENT)
def strange_address(rng: random.Random, answer: Answer, world: World) -> str | None:
    found = [(here, name) for here, name in places(answer.documents) if str(here[name]).startswith("http")]
    if not found:
        return None
    here, name = rng.choice(found)
    here[name] = a_location(rng, world)
    return f"{name!r} is {here[name][:80]!r}"


@manner(DOCUMENT)
def deep_nesting(rng: random.Random, answer: Answer, world: World) -> str | None:
    place = a_place(rng, answer)
    if place is None:
        return None
    depth = rng.choice((900, 5000, 100_000))
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    place[0][place[1]] = "@deep@"
    answer.raw["@deep@"] = opening * depth + "1" + closing * depth
    return f"{place[1]!r} is nested {depth} deep"


@manner(DOCUMENT, weight=2)
def strange_number(rng: random.Random, answer: Answer, world: World) -> str | None:
    place = a_place(rng, answer)
    if place is None:
        return None
    number = rng.choice(
        ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "-" + "9" * 400, "1e400", "0x10")
    )
    place[0][place[1]] = "@number@"
    answer.raw["@number@"] = number
    return f"{place[1]!r} is {number[:20]}"


@manner(DOCUMENT)
def same_name_twice(rng: random.Random, answer: Answer, world: World) -> str | None:
    found = [(here, name) for here, name in places(answer.documents) if isinstance(here, dict)]
    if not found:
        return None
    here, name = rng.choice(found)
    here[f"@{name}@"] = rng.choice(WRONG)
    answer.raw[f"@{name}@"] = json.dumps(name)
    return f"{name!r} is there twice"


@manner(DOCUMENT, weight=0.5)
def many_entries(rng: random.Random, answer: Answer, world: World) -> str | None:
    found = [here[name] for here, name in places(answer.documents) if isinstance(here[name], list) and here[name]]
    if not found:
        return None
    entries = rng.choice(found)
    number = rng.choice((50, 1000, 20_000))
    filler = rng.choice((entries[0], None, [], 7, entries[0]))
    entries[1:] = [filler] * (number - 1)
    return f"a list has {number} entries, all {str(filler)[:30]!r} but the first"


# In the body's text.


def whole_body(answer: Answer, body: bytes) -> None:
    answer.documents, answer.events, answer.body = [], [], body


@manner(TEXT)
def no_json(rng: random.Random, answer: Answer, world: World) -> str:
    kinds = {
        "a web page": b"<!DOCTYPE html><html><head><title>Log in</title></head><body>Wi-Fi</body></html>",
        "nothing": b"",
        "null": b"null",
        "a text": b'"ok"',
        "a number": b"5",
        "true": b"true",
        "an empty list": b"[]",
        "an empty object": b"{}",
        "blanks": b" \r\n\t ",
        "NULs": b"\0" * 100,
        "noise": rng.randbytes(500),
        "broken UTF-8": b'{"message": "\xff\xfe\xc3\x28", "result": "\xed\xa0\xbd"}',
        "only brackets": b"[" * 100_000,
        "a list of lists of lists": json.dumps([[[]]] * 50).encode(),
    }
    words = rng.choice(list(kinds))
    whole_body(answer, kinds[words])
    return f"the body is {words}"


@manner(TEXT, cuts=True)
def cut_text(rng: random.Random, answer: Answer, world: World) -> str:
    content = answer.content()
    kept = rng.randrange(len(content) + 1)
    whole_body(answer, content[:kept])
    return f"of the body only {kept} of {len(content)} bytes are there, and the length fits"


@manner(TEXT)
def other_encoding(rng: random.Random, answer: Answer, world: World) -> str:
    content = answer.content()
    name, made = rng.choice(
        (
            ("a byte order mark", lambda: b"\xef\xbb\xbf" + content),
            ("UTF-16", lambda: content.decode("latin-1").encode("utf-16")),
            ("UTF-32", lambda: content.decode("latin-1").encode("utf-32")),
            ("JSON in JSON", lambda: json.dumps(content.decode("latin-1")).encode()),
            ("JSON and more", lambda: content + b' {"message": "more"}'),
            ("single quotes", lambda: content.replace(b'"', b"'")),
            ("a script's call", lambda: b"callback(" + content + b")"),
            ("UTF-7 by its type", lambda: content),
        )
    )
    whole_body(answer, made())
    if name.startswith("UTF-7"):
        answer.set("Content-Type", "application/json; charset=utf-7")
    return name


@manner(TEXT, weight=0.3)
def large_body(rng: random.Random, answer: Answer, world: World) -> str:
    size = rng.choice((1, 4, MOST_MB)) << 20
    kind = rng.choice(("blanks", "empty lists", "short texts", "one text"))
    content = answer.content()
    fill = {"blanks": b" ", "empty lists": b"[],", "short texts": b'"ab",', "one text": b"x"}[kind]
    filler = fill * (size // len(fill))
    if kind == "blanks":
        whole_body(answer, content + filler)
    elif kind == "one text":
        whole_body(answer, b'{"message": "' + filler + b'"}')
    else:
        whole_body(answer, b"[" + filler + b"null]")
    return f"{size >> 20} MB of {kind}"


# On the stream.

STREAM = ("stream",)


@manner(TEXT, weight=6, routes=STREAM)
def strange_stream(rng: random.Random, answer: Answer, world: World) -> str:
    content = answer.content()
    event = json.dumps({"id": world.task_id, "progress": 10, "status": "IN_PROGRESS"}).encode()
    kinds = {
        "a line of 1 MB": lambda: b"data: " + b"x" * 1_000_000 + b"\n\n" + content,
        "a name of 1 MB": lambda: b"y" * 1_000_000 + b"\n\n" + content,
        "a comment of 1 MB": lambda: b":" + b"z" * 1_000_000 + b"\n\n" + content,
        "100,000 comments": lambda: b":\n" * 100_000 + content,
        "20,000 lines of one event": lambda: b"data: 1\n" * 20_000 + b"\n" + content,
        "20,000 empty lines": lambda: b"\n" * 20_000 + content,
        "2,000 events": lambda: b"data: " + (event + b"\n\ndata: ") * 2000 + event + b"\n\n",
        "carriage returns": lambda: content.replace(b"\n", b"\r"),
        "carriage returns and line ends": lambda: content.replace(b"\n", b"\r\n"),
        "other kinds of events": lambda: content.replace(b"message", rng.choice((b"error", b"ping", b"", b"x" * 5000))),
        "no kinds": lambda: content.replace(b"event: message\n", b""),
        "no empty lines": lambda: content.replace(b"\n\n", b"\n"),
        "retry and id": lambda: b"retry: 0\nid: \x00\nretry: " + b"9" * 100 + b"\n" + content,
        "an event after the last": lambda: content + b"event: message\ndata: {}\n\n",
        "the last event first": lambda: content[content.rfind(b"event:") :] + content,
        "an error event": lambda: (
            b'event: error\ndata: {"status_code": 404, "message": "' + world.key.encode() + b'"}\n\n'
        ),
        "broken UTF-8": lambda: b"data: \xff\xfe\xed\xa0\xbd\n\n" + content,
        "a byte order mark": lambda: b"\xef\xbb\xbf" + content,
        "another task": lambda: content.replace(world.task_id.encode(), b"somebody-else"),
    }
    words = rng.choice(list(kinds))
    whole_body(answer, kinds[words]())
    return words


# Status, version and reason.

CODES = (100, 101, 102, 103, 199, 200, 201, 202, 203, 204, 205, 206, 207, 226, 299) + (
    (
        300,
        304,
        305,
        306,
        308,
        400,
        401,
        402,
        403,
        404,
        405,
        406,
        407,
        408,
        409,
        410,
        411,
        412,
        413,
        414,
        415,
        416,
        417,
        418,
        422,
    )
    + (
        423,
        425,
        426,
        428,
        429,
        431,
        444,
        451,
        494,
        499,
        500,
        501,
        502,
        503,
        504,
        505,
        507,
        508,
        511,
        520,
        524,
        530,
        599,
        600,
    )
    + (777, 999)
)


@manner(STATUS, weight=3)
def other_status(rng: random.Random, answer: Answer, world: World) -> str:
    answer.status = f"{rng.choice(CODES)} {rng.choice(('OK', 'Nope', ''))}"
    return answer.status


@manner(STATUS)
def no_status(rng: random.Random, answer: Answer, world: World) -> str:
    answer.status = rng.choice(
        (
            "000 Zero",
            "-1 Minus",
            "2 00",
            "abc",
            "",
            "99999 Many",
            "20",
            "\u0662\u0660\u0660 OK",
            "1e3 OK",
            "200OK",
            "0x200 OK",
            " 200",
        )
        + ("9" * 5000, "200 OK\x00")
    )
    return f"the status is {answer.status[:20]!r}"


@manner(STATUS, cuts=True)
def strange_reason(rng: random.Random, answer: Answer, world: World) -> str:
    text, words = strange_text(rng, world)
    text = text[: rng.choice((100, 60_000, 1_000_000))].replace("\n", " ").replace("\r", " ")
    answer.status = f"{rng.choice((200, 400, 429, 500, 302))} {text}"
    return f"{answer.status[:3]}, and the reason is {words}"


@manner(STATUS)
def other_version(rng: random.Random, answer: Answer, world: World) -> str:
    answer.version = rng.choice(
        (
            "HTTP/1.0",
            "HTTP/0.9",
            "HTTP/2",
            "HTTP/9.9",
            "http/1.1",
            "HTTX/1.1",
            "ICY",
            "RTSP/1.0",
            "SSH-2.0-OpenSSH_9.6",
            "HTTP/1.",
        )
        + ("HTTP/" + "1" * 100_000,)
    )
    return answer.version[:20]


@manner(STATUS)
def no_head(rng: random.Random, answer: Answer, world: World) -> str:
    answer.version, answer.framing = "", "close"
    return "HTTP/0.9: only a body"


@manner(STATUS, weight=0.7)
def interim_answers(rng: random.Random, answer: Answer, world: World) -> str:
    number, code = rng.choice((1, 3, 100, 5000)), rng.choice((100, 100, 102, 103, 101))
    answer.before += f"HTTP/1.1 {code} Wait\r\nX-A: b\r\n\r\n".encode() * number
    return f"{number} answers with {code} come first"


# Redirects.


def a_location(rng: random.Random, world: World) -> str:
    """An address that a service had better not name."""
    here, there = world.url, world.stranger
    host, _, port = there.partition("://")[2].partition(":")
    return rng.choice(
        (
            f"{there}/files/model.glb",
            f"{there}/files/model.glb?{SIGNATURE}",
            f"{there}/{world.key}",
            there.replace("http://", "https://"),
            there.replace("://", "://user:password@"),
            f"{here}/files/model.glb?{SIGNATURE}",
            f"{here}/nowhere",
            "/files/model.glb",
            "//" + there.partition("://")[2] + "/files/model.glb",
            f"http://localhost:{port}/",
            f"http://[::1]:{port}/",
            f"http://0.0.0.0:{port}/",
            f"http://127.1:{port}/",
            f"http://2130706433:{port}/",
            f"http://0x7f000001:{port}/",
            f"http://[::ffff:127.0.0.1]:{port}/",
            f"http://{host}.:{port}/",
            f"https://{NEVER_ROUTED}/model.glb",
            f"http://{NEVER_ROUTED}/model.glb",
            f"{here}\\@{host}:{port}/",
            f"http://{host}:{port}\\@127.0.0.1/",
            f"http:\\\\{host}:{port}\\",
            f"http:/{host}:{port}/",
            f"http:///{host}:{port}/",
            f"HTTP://{host}:{port}/",
            f"{there}#@127.0.0.1",
            "http://[",
            "http://]/",
            "http://",
            "https://",
            "http://:80/",
            "http://%zz/",
            "http://127.0.0.1:99999/",
            "http://127.0.0.1:-1/",
            "http://127.0.0.1:port/",
            "http://127.0.0.1:\u0661/",
            "https://" + "a" * 300 + "/",
            "https://a" + ".a" * 200 + "/",
            "https://\u2100.\ud83d/",
            "https://xn--/",
            "https://.../",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "ftp://127.0.0.1/",
            "data:model/gltf-binary;base64,Z2xURg==",
            "",
            " ",
            "\t" + there,
            there + "/a b c",
            there + "/\x00",
            there + "/" + "x" * 60_000,
            there + "/?" + "&".join(f"a{number}=b" for number in range(5000)),
            "?" + SIGNATURE,
            "..",
        )
    )


@manner(STATUS, weight=3)
def redirect(rng: random.Random, answer: Answer, world: World) -> str:
    answer.status = f"{rng.choice((301, 302, 303, 307, 308))} Elsewhere"
    location = a_location(rng, world).replace("\n", " ").replace("\r", " ")
    answer.set("Location", location)
    return f"{answer.status[:3]} to {location[:100]!r}"


@manner(STATUS, weight=0.5)
def redirect_loop(rng: random.Random, answer: Answer, world: World) -> str:
    answer.status = "302 Around"
    answer.set("Location", rng.choice(("", "#", f"{world.url}/files/again.glb", "?again")))
    return f"302 to itself ({answer.header('Location')!r})"


# Headers.


@manner(HEADERS, weight=2)
def wrong_length(rng: random.Random, answer: Answer, world: World) -> str:
    size = len(answer.content())
    value = rng.choice(
        (
            "-1",
            "-5",
            "9" * 30,
            "9" * 5000,
            str(1 << 63),
            "\u0661\u0662",
            "\u00b2",
            "+5",
            "0x10",
            "1e3",
            "",
            " ",
            "abc",
            "5, 5",
            "5,6",
            "5.0",
        )
        + (
            f"{size}, {size}",
            str(max(size - 1, 0)),
            str(size + 1),
            str(size * 2 + 10),
            "0",
            "1_0",
            f"{size}\x00",
            f"0{size}",
        )
    )
    answer.framing = "as is"
    answer.headers.append(("Content-Length", value))
    if rng.random() < 0.3:
        answer.headers.append(("Content-Length", str(size)))
    return f"Content-Length: {value[:40]!r} for {size} bytes"


@manner(HEADERS)
def strange_pause(rng: random.Random, answer: Answer, world: World) -> str:
    value = rng.choice(
        (
            "9" * 30,
            "9" * 400,
            "9" * 5000,
            "-5",
            "1e9",
            "nan",
            "inf",
            "\u0665",
            "\u00b2",
            "0",
            "3600000",
            "soon",
            "",
            "5.5",
            "0x10",
        )
        + ("Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 +9999", "Mon, 01 Jan 99999 00:00:00 GMT")
        + (
            "Mon, 01 Jan 0000 00:00:00 GMT",
            "1 Jan 2026 00:00:00 +999999999999",
            "Thu, 01 Jan 1970 00:00:00 -0000",
            "Fri, 99 Foo 2026",
        )
    )
    answer.set("Retry-After", value)
    if rng.random() < 0.5:
        answer.status = rng.choice(("429 Too Many Requests", "503 Service Unavailable", "400 Bad Request"))
    return f"{answer.status[:3]} with Retry-After: {value[:40]!r}"


@manner(HEADERS)
def strange_date(rng: random.Random, answer: Answer, world: World) -> str:
    value = rng.choice(
        (
            "Mon, 01 Jan 0001 00:00:00 GMT",
            "Mon, 01 Jan 0001 00:00:00 +9999",
            "Fri, 31 Dec 9999 23:59:59 -9999",
            "9" * 30,
            "",
            "now",
        )
        + (
            "Mon, 01 Jan 99999 00:00:00 GMT",
            "Mon, 01 Jan 2026 00:00:00 +" + "9" * 30,
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "0 0 0 0 0 0",
        )
        + ("Mon, 01 Jan 2026 25:61:61 GMT", "Mon, 01 Jan 2026 00:00:00 " + "x" * 5000, "\u0661 Jan 2026 00:00:00 GMT")
    )
    answer.set("Date", value)
    if rng.random() < 0.3:
        answer.set("Retry-After", rng.choice((value, "Fri, 27 Nov 2026 00:00:00 GMT")))
    return f"Date: {value[:40]!r}"


@manner(HEADERS, weight=3, cuts=True)
def strange_header(rng: random.Random, answer: Answer, world: World) -> str:
    name = rng.choice(
        (
            "x-request-id",
            "x-request-id",
            "x-request-id",
            "Content-Type",
            "ETag",
            "Content-Range",
            "Last-Modified",
            "Server",
        )
        + ("Set-Cookie", "WWW-Authenticate", "Link", "Refresh", "Trailer", "Upgrade", "Connection")
    )
    text, words = strange_text(rng, world)
    text = text[: rng.choice((300, 60_000))].replace("\n", "" if rng.random() < 0.5 else " ").replace("\r", "")
    answer.set(name, text.encode("latin-1", "replace") if rng.random() < 0.2 else text)
    if rng.random() < 0.6:
        answer.status = rng.choice(("400 Bad Request", "500 Internal Server Error", "404 Not Found", "429 Too Many"))
    return f"{answer.status[:3]}, and {name} holds {words}"


@manner(HEADERS)
def header_flood(rng: random.Random, answer: Answer, world: World) -> str:
    number, length = rng.choice(
        ((90, 10), (101, 10), (10_000, 10), (1, 65_000), (1, 70_000), (1, 5_000_000), (90, 60_000))
    )
    answer.headers += [(f"X-{count}", "v" * length) for count in range(number)]
    return f"{number} more headers of {length} bytes"


@manner(HEADERS)
def broken_header(rng: random.Random, answer: Answer, world: World) -> str:
    line = rng.choice(
        (
            b"no colon",
            b": no name",
            b" folded\r\n  twice: x",
            b"X-\x00: nul",
            b"X-A: \x00\x01\x1b[2J",
            b"X \x1b: y",
            b"\xff\xfe: \xff",
            b"\t",
        )
        + (
            b"X-A: a\rX-B: b",
            b"X-\xf0\x9f\xa6\x8a: fox",
            b"Transfer-Encoding : chunked",
            b"\r",
            b"X-A:" + b" " * 60_000,
        )
        + (world.key.encode() + b": name", b"GET / HTTP/1.1", b"HTTP/1.1 200 OK")
    )
    answer.headers.insert(rng.randrange(len(answer.headers) + 1), (line.partition(b":")[0], line.partition(b":")[2]))
    return f"a header is {line[:40]!r}"


@manner(HEADERS, routes=("file",), weight=3)
def strange_range(rng: random.Random, answer: Answer, world: World) -> str:
    answer.status = rng.choice(("206 Partial Content", "206 Partial Content", "416 Range", "200 OK"))
    size = len(answer.content())
    value = rng.choice(
        (
            f"bytes 0-{size - 1}/{size}",
            f"bytes 5-{size}/{size}",
            f"bytes 0-0/{9**40}",
            "bytes */0",
            f"bytes */{size}",
            "bytes 0-5/-5",
        )
        + (
            "bytes \u0660-5/9",
            "lines 0-5/9",
            "",
            "bytes 0-9/*",
            "bytes " + "9" * 5000 + "-1/1",
            "bytes 0-1/" + "9" * 5000,
        )
    )
    answer.set("Content-Range", value)
    return f"{answer.status[:3]} with Content-Range: {value[:40]!r}"


# Framing and encoding.


@manner(FRAMING, weight=1.5)
def other_framing(rng: random.Random, answer: Answer, world: World) -> str:
    answer.framing = rng.choice(("chunked", "close"))
    answer.chunk_bytes = rng.choice((0, 1, 7, 1000))
    if answer.framing == "chunked" and len(answer.content()) > 10_000 and answer.chunk_bytes == 7:
        answer.chunk_bytes = 0
    return f"{answer.framing}, in pieces of {answer.chunk_bytes or 'any'} bytes"


@manner(FRAMING, weight=0.4)
def tiny_chunks(rng: random.Random, answer: Answer, world: World) -> str:
    answer.framing, answer.chunk_bytes = "chunked", 1
    content = answer.content()
    whole_body(answer, content + b" " * max(400_000 - len(content), 0))
    return "400,000 chunks of one byte"


@manner(FRAMING, weight=1.5)
def wrong_chunks(rng: random.Random, answer: Answer, world: World) -> str:
    answer.framing = "chunked"
    kinds: dict[str, Callable[[int], bytes]] = {
        "negative sizes": lambda size: b"-%x" % size,
        "sizes that are none": lambda size: b"zz",
        "huge sizes": lambda size: b"F" * 16,
        "sizes of 5000 digits": lambda size: b"F" * 5000,
        "unicode sizes": lambda size: "\u0661\u0662".encode(),
        "empty sizes": lambda size: b"",
        "sizes with underscores": lambda size: b"1_0",
        "sizes with a plus": lambda size: b"+%x" % size,
        "sizes with 0x": lambda size: b"0x%x" % size,
        "sizes with blanks": lambda size: b" %x " % size,
        "sizes too large by one": lambda size: b"%x" % (size + 1),
        "sizes too small by one": lambda size: b"%x" % max(size - 1, 0),
        "extensions of 100 kB": lambda size: b"%x;a=" % size + b"b" * 100_000,
        "extensions": lambda size: b'%x;name="va;lue"' % size,
        "long sizes": lambda size: b"0" * 60_000 + b"%x" % size,
    }
    words = rng.choice(list(kinds))
    answer.sizes = kinds[words]
    return words


@manner(FRAMING)
def wrong_last_chunk(rng: random.Random, answer: Answer, world: World) -> str:
    answer.framing = "chunked"
    kinds = {
        "no last chunk": b"",
        "no line after the last chunk": b"0\r\n",
        "trailers": b"0\r\nX-A: b\r\nContent-Length: 5\r\n\r\n",
        "a flood of trailers": b"0\r\n" + b"X-A: b\r\n" * 50_000 + b"\r\n",
        "a trailer of 1 MB": b"0\r\nX-A: " + b"b" * 1_000_000 + b"\r\n\r\n",
        "a trailer with our key": f"0\r\nX-Request-Id: {world.key}\r\n\r\n".encode(),
        "a last chunk of many noughts": b"0" * 10_000 + b"\r\n\r\n",
    }
    words = rng.choice(list(kinds))
    answer.last_chunk = kinds[words]
    return words


@manner(FRAMING)
def two_framings(rng: random.Random, answer: Answer, world: World) -> str:
    answer.framing = "as is"
    value = rng.choice(
        ("chunked", "identity", "gzip, chunked", "chunked, chunked", "xchunked", "", "\x0bchunked", "chunked\x00")
    )
    answer.headers.append(("Transfer-Encoding", value))
    if rng.random() < 0.5:
        answer.headers.append(("Content-Length", str(len(answer.content()))))
    return f"Transfer-Encoding: {value!r}, which it is not"


@functools.cache
def _bomb(megabytes: int) -> bytes:
    """So many MB of blanks, compressed. One MB is compressed, and its bytes are repeated, as a compressor would take
    seconds."""
    piece = b" " * (1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(megabytes):
        check = zlib.crc32(piece, check)
    head, end = b"\x1f\x8b\x08\0\0\0\0\0\0\xff", packer.flush()
    return head + block * megabytes + end + struct.pack("<II", check, megabytes << 20)


@manner(FRAMING, weight=3)
def compressed(rng: random.Random, answer: Answer, world: World) -> str:
    kinds: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
        "gzip": ("gzip", gzip.compress),
        "gzip of gzip": ("gzip, gzip", lambda content: gzip.compress(gzip.compress(content))),
        "gzip of gzip, said once": ("gzip", lambda content: gzip.compress(gzip.compress(content))),
        "gzip a hundred times": (", ".join(["gzip"] * 100), gzip.compress),
        "deflate": ("deflate", zlib.compress),
        "raw deflate": ("deflate", lambda content: zlib.compress(content)[2:-4]),
        "br by name": ("br", lambda content: content),
        "zstd by name": ("zstd", lambda content: content),
        "gzip by name": ("gzip", lambda content: content),
        "an unknown name": ("rot13", lambda content: content),
        "gzip that is cut": ("gzip", lambda content: gzip.compress(content)[:-9]),
        "gzip and more": ("gzip", lambda content: gzip.compress(content) + b"more"),
        "gzip that is not said": ("", gzip.compress),
        "gzip with another in it": ("GZIP", lambda content: gzip.compress(content) + gzip.compress(b"{}")),
        "x-gzip": ("x-gzip", gzip.compress),
    }
    words = rng.choice(list(kinds))
    name, answer.encoded = kinds[words]
    if name:
        answer.set("Content-Encoding", name)
    return words


@manner(FRAMING, weight=0.6)
def compressed_bomb(rng: random.Random, answer: Answer, world: World) -> str:
    megabytes = rng.choice((100, 400, 1000))
    is_twice = rng.random() < 0.4
    bomb = _bomb(megabytes)
    if is_twice:
        bomb = gzip.compress(bomb)
    whole_body(answer, bomb)
    answer.set("Content-Encoding", "gzip, gzip" if is_twice else rng.choice(("gzip", "gzip", "x-gzip, gzip")))
    return f"{len(bomb)} bytes are {megabytes} MB when unpacked{' twice' if is_twice else ''}"


# On the wire.


@manner(WIRE, weight=3, cuts=True)
def early_end(rng: random.Random, answer: Answer, world: World) -> str:
    answer.cut_at, answer.is_reset = rng.random(), rng.random() < 0.4
    return f"the connection ends after {answer.cut_at:.2f} of it{' with a reset' if answer.is_reset else ''}"


@manner(WIRE, cuts=True)
def no_answer(rng: random.Random, answer: Answer, world: World) -> str:
    answer.cut_at, answer.is_reset = 0.0, rng.random() < 0.5
    return f"the connection ends without an answer{', with a reset' if answer.is_reset else ''}"


@manner(WIRE)
def early_answer(rng: random.Random, answer: Answer, world: World) -> str:
    answer.is_early, answer.is_reset = True, rng.random() < 0.3
    return f"it comes before the request was read{', then a reset' if answer.is_reset else ''}"


@manner(WIRE)
def more_after_it(rng: random.Random, answer: Answer, world: World) -> str:
    kinds = {
        "another answer": b"HTTP/1.1 500 More\r\nContent-Length: 2\r\n\r\n{}",
        "noise": rng.randbytes(3000),
        "1 MB": b"x" * (1 << 20),
        "a line": b"\r\n",
    }
    words = rng.choice(list(kinds))
    answer.after = kinds[words]
    return f"{words} after its end"


@manner(WIRE)
def noise_before_it(rng: random.Random, answer: Answer, world: World) -> str:
    kinds = {
        "empty lines": b"\r\n" * rng.choice((1, 1000)),
        "noise": rng.randbytes(50),
        "NULs": b"\0" * 20,
        "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x28",
        "a banner": b"220 mail.example ESMTP\r\n",
        "a byte order mark": b"\xef\xbb\xbf",
        "1 MB without a line end": b"x" * (1 << 20),
        "60,000 characters": b"H" * 60_000,
    }
    words = rng.choice(list(kinds))
    answer.before += kinds[words]
    return f"{words} before it"


@manner(WIRE, weight=0.6)
def other_line_ends(rng: random.Random, answer: Answer, world: World) -> str:
    answer.newline = rng.choice((b"\n", b"\r", b"\n\r", b"\r\r\n", b""))
    return f"lines of the head end with {answer.newline!r}"


# In time.


@manner(TIMING)
def drip(rng: random.Random, answer: Answer, world: World) -> str:
    """Faster than any pause that counts as silence, and longer than anybody should wait."""
    part = rng.choice(("status", "head", "body", "size"))
    pause = rng.choice((0.1, 0.2, 0.25))
    answer.drip = (part, pause)
    more = b" "
    if part == "status":
        answer.status += " and so on" * 100
    elif part == "size":
        answer.framing, answer.chunk_bytes, answer.last_chunk = "chunked", max(len(answer.content()) // 40, 1), b""
        more = b"0"
    elif part == "body" and rng.random() < 0.5:
        answer.framing = "as is"
    elif part == "head":
        more = b"X-A: b\r\n"
        answer.headers += [("X-Long", "b" * 1000)]

    def on() -> Iterator[Piece]:
        while True:
            yield more
            yield pause

    if part != "status":
        answer.endless = on
    return f"a byte of its {part} every {pause} s"


@manner(TIMING)
def silence(rng: random.Random, answer: Answer, world: World) -> str:
    part = rng.choice(("status", "head", "body"))
    answer.silence = (part, FOREVER_S)
    return f"nothing comes where the {part} would begin"


@manner(TIMING)
def short_pause(rng: random.Random, answer: Answer, world: World) -> str:
    part, pause = rng.choice(("status", "head", "body")), rng.choice((0.05, 0.2, 0.3))
    answer.silence = (part, pause)
    return f"{pause} s of silence before its {part}"


@manner(TIMING)
def silence_after_it(rng: random.Random, answer: Answer, world: World) -> str:
    answer.framing = "chunked" if rng.random() < 0.3 else "close"
    answer.last_chunk = b""

    def nothing() -> Iterator[Piece]:
        yield FOREVER_S

    answer.endless = nothing
    return f"it never ends ({answer.framing}), and nothing more comes"


@manner(TIMING)
def endless(rng: random.Random, answer: Answer, world: World) -> str:
    kinds: dict[str, tuple[str, bytes, float]] = {
        "interim answers": ("before", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
        "interim answers, fast": ("before", b"HTTP/1.1 100 Continue\r\n\r\n" * 500, 0.001),
        "early hints": ("before", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0.01),
        "empty lines": ("before", b"\r\n", 0.01),
        "headers": ("status", b"X-A: b\r\n", 0.05),
        "a header": ("status", b"v" * 100, 0.05),
        "blanks": ("body", b" " * (1 << 16), 0.001),
        "slow blanks": ("body", b" ", 0.1),
        "chunks of one byte": ("chunks", b"1\r\n \r\n", 0.05),
        "chunks": ("chunks", b"10000\r\n" + b" " * (1 << 16) + b"\r\n", 0.001),
        "a chunk's extension": ("chunks", b"1;" + b"a" * 100, 0.05),
        "trailers": ("trailers", b"X-A: b\r\n", 0.02),
    }
    words = rng.choice(list(kinds))
    where, piece, pause = kinds[words]

    def more() -> Iterator[Piece]:
        while True:
            yield piece
            yield pause

    answer.endless = more
    if where == "before":
        answer.before = answer.before or piece
        answer.endless_after = "before"
    elif where == "status":
        answer.endless_after = "status"
    elif where == "body":
        answer.framing = "close"
    else:
        answer.framing, answer.last_chunk = "chunked", b"0\r\n" if where == "trailers" else b""
    return f"{words} without end"


@manner(TIMING, routes=STREAM, weight=3)
def endless_stream(rng: random.Random, answer: Answer, world: World) -> str:
    running = json.dumps({"id": world.task_id, "progress": 10, "status": "IN_PROGRESS"}).encode()
    kinds: dict[str, tuple[bytes, float]] = {
        "comments": (b":\n", 0.1),
        "comments and empty lines": (b": keep-alive\n\n", 0.1),
        "comments, fast": (b":\n" * 100, 0.001),
        "empty lines": (b"\n", 0.1),
        "data without an empty line": (b"data: x\n", 0.05),
        "data without an empty line, fast": (b"data: " + b"x" * 5000 + b"\n", 0.001),
        "a line": (b"x" * 10, 0.05),
        "a line, fast": (b"x" * (1 << 16), 0.001),
        "events": (b"event: message\ndata: " + running + b"\n\n", 0.1),
        "events, fast": ((b"event: message\ndata: " + running + b"\n\n") * 10, 0.001),
        "events of no task": (b"event: ping\ndata: 1\n\n", 0.1),
    }
    words = rng.choice(list(kinds))
    piece, pause = kinds[words]
    content = answer.content()
    whole_body(answer, content[: content.rfind(b"event:")])  # the last one would end it

    def more() -> Iterator[Piece]:
        while True:
            yield b"%x\r\n" % len(piece) + piece + b"\r\n" if answer.framing == "chunked" else piece
            yield pause

    answer.framing, answer.last_chunk = rng.choice(("chunked", "close")), b""
    answer.endless = more
    return f"{words} without end ({answer.framing})"
