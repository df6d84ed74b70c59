# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts from outside become texts that can be shown, whatever stands in them and however long they are. Plain
Python."""

import json

import pytest

from image_to_3d.api import words
from image_to_3d.api.redact import HIDDEN
from image_to_3d.api.words import both_ends, clean, one_line, task_id, visible

KEY = "msy_Qx7Secret/0000"

SEEN = {
    "half an emoji": ("Cut in the middle \ud83d", "Cut in the middle"),
    "its other half": ("\ude00 cut", "cut"),
    "a whole emoji": ("Fine \U0001f600 so", "Fine \U0001f600 so"),
    "NUL": ("a\0b", "ab"),
    "control characters": ("a\x07\x08\x7f\x85b\x0cc", "a b c"),
    "lines": ("one\r\ntwo\u2028three\u2029four\vfive", "one two three four five"),
    "colors": ("\x1b[1;31mred\x1b[0m and \x9b32mgreen", "red and green"),
    "a title": ("\x1b]0;owned\x07after", "after"),
    "a title that ends otherwise": ("\x1b]2;owned\x1b\\after \x9d0;owned\x9cthat", "after that"),
    "a link": ("\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\", "here"),
    "a title without an end": ("before\x1b]0;owned\nafter", "before after"),
    "a device's text": ("\x1bPowned\x1b\\after\x90owned\x9c.", "after."),
    "other commands": ("\x1bcreset \x1b(Bset \x1b7 \x1b", "reset set"),
    "an unfinished command": ("bad \x1b[31", "bad"),
    "a wrong encoding": ("it\xe2\x80\x9ds", "it\xe2s"),
    "turned around": ("\u202egnp.xof\u202c \u2066a\u2069 \u200fb\u061c", "gnp.xof a b"),
    "marks that nobody sees": ("a\u200bb\u2060c\ufeffd\u00ade\u180ef\ufe0f\U000e0041\u3164\u034f.", "abcdef."),
    "no characters": ("a\ufffe\uffff\ufdd0\U0001ffffb", "ab"),
    "other spaces": ("a\u00a0\u3000b\t c", "a b c"),
    "nothing": ("", ""),
    "only what is not seen": ("\u200b\ud83d\0", ""),
    "other writings": ("Grün — 苔, שלום नमस्ते", "Grün — 苔, שלום नमस्ते"),
}


@pytest.mark.parametrize("case", SEEN)
def test_only_what_can_be_seen_stays_in_one_line(case):
    text, seen = SEEN[case]
    assert clean(text) == one_line(text) == seen
    assert clean(seen) == seen
    clean(text).encode()


def test_of_a_log_the_lines_stay():
    assert visible("one\r\n\ttwo\x1b[31m!\x9b0m\n\0three\ud83d") == "one \n\ttwo!\nthree"


def test_a_text_that_is_too_long_is_cut_and_says_so():
    assert clean("word " * 500) == f"{'word ' * 59}word…"
    assert clean("x" * 300) == "x" * 300 and len(clean("x" * 301)) == 300
    assert len(clean("語" * 5_000_000)) == 300, "a writing without spaces is no endless word"


@pytest.mark.parametrize(
    "said", [KEY, KEY.replace("/", "%2F"), json.dumps(KEY)[1:-1], KEY.replace("/", r"\/"), KEY[:6] + "\u200b" + KEY[6:]]
)
def test_a_secret_is_hidden_in_every_form(said):
    assert clean(f"the key {said} is bad", secrets=[KEY]) == f"the key {HIDDEN} is bad"


@pytest.mark.parametrize(
    "before", ["x" * 7990, "words " * 1330, "https://me:", "authorization: bearer ", "\x1b[31m" * 1600]
)
@pytest.mark.parametrize("behind", ["", "x" * 10_000, " more" * 10_000, "@example.org/" + "y" * 10_000])
def test_no_half_of_a_secret_stays_where_a_text_is_cut(before, behind):
    secret = "Qx7Secret" * 40
    for length in range(0, 8100, 450):
        text = f"{before}{'z' * length} {secret}{behind}"
        assert "Qx7S" not in clean(text, secrets=[secret]), length


@pytest.mark.parametrize(
    "text",
    [
        f"req-1?X-Amz-Signature={KEY}&Expires=1",
        f"/files/a.glb?Expires=1&Signature={KEY}",
        f"url=https%3A%2F%2Ffiles.example.org%2Fa%3FSignature%3D{KEY}",
        f"api_key={KEY}",
        f"http://me:{KEY}@proxy:3128",
        f"http://me:half#{KEY}@proxy:3128",
        f"http://me:half?{KEY}@proxy:3128",
        f"DATA:image/png;base64,{KEY}",
        f"https://example.org/#access_token={KEY}",
    ],
)
def test_what_signs_is_hidden_where_nobody_named_it(text):
    assert KEY not in clean(text) and KEY[5:] not in clean(text)


def test_what_stands_around_an_address_stays():
    assert clean("Buy some (see https://example.org/a?b=1), then retry.") == (
        f"Buy some (see https://example.org/a?{HIDDEN}), then retry."
    )


@pytest.mark.parametrize("value", ["018a210d-8ba4-705c-b111-1f1776f7f578", "SESSION_123", "a", "x" * 200, "a.b:c/d"])
def test_what_can_be_a_task_s_id_stays_as_it_is(value):
    assert task_id(value, [KEY]) == value


@pytest.mark.parametrize(
    "value",
    [
        *(None, 7, True, 1e308, [], ["a"], {"id": "a"}),
        *("", " ", "a b", "a\nb", "a\0", "\x1b[31mred", "\ud83d", "ü", "a\u202eb", "x" * 201, "x" * 5_000_000),
        *(".", "..", "../balance", "a/../b", "a\\..\\b"),
        *("https://example.org/a", f"id-{KEY}", f"id-{KEY.replace('/', '%2F')}", "id?Signature=abc", "data:,abc"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_what_can_be_no_id_of_a_task_is_none(value):
    assert task_id(value, [KEY]) == ""


def test_of_an_endless_log_entry_both_ends_stay_in_whole_words():
    line = f"    at https://example.org/a?sig={KEY}\n"
    text = f"Traceback\n{line * 5000}Error: no"
    kept = both_ends(text, 1000)
    assert kept.startswith("Traceback\n") and kept.endswith("\nError: no") and 500 < len(kept) < 1100
    assert "characters are left out]" in kept
    assert all(part in line or "left out" in part for part in kept.split("\n")[1:-1])
    assert both_ends("short", 1000) == "short"
    assert KEY[:5] not in both_ends(f"data:image/png;base64,{KEY * 100_000}", 1000), "the half of a picture stays"


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://example.org/fox.png", "https://example.org/fox.png"),
        ("https://example.org", "https://example.org"),
        ("HTTPS://Example.org:8443/a/b%20c.png", "https://Example.org:8443/a/b%20c.png"),
        ("http://[::1]:8000/fox.png", "http://[::1]:8000/fox.png"),
        ("https://b\u00fccher.example/f\u00fcchse/\u72d0.png", "https://b\u00fccher.example/f\u00fcchse/\u72d0.png"),
        ("https://example.org/@somebody/fox.png", "https://example.org/@somebody/fox.png"),
        ("https://me:SECRET@example.org/fox.png", "https://example.org/fox.png"),
        ("https://SECRET@example.org/fox.png", "https://example.org/fox.png"),
        ("https://:SECRET@example.org/fox.png", "https://example.org/fox.png"),
        ("https://me:SEC@RET@example.org/fox.png", "https://example.org/fox.png"),
        ("https://me%40home:SECRET@example.org:80/fox.png", "https://example.org:80/fox.png"),
        ("https://@example.org/fox.png", "https://example.org/fox.png"),
        ("https://example.org/fox.png?Signature=SECRET&Expires=1", "https://example.org/fox.png"),
        ("https://example.org/fox.png?SECRET", "https://example.org/fox.png"),
        ("https://example.org/fox.png?a=1?b=SECRET#SECRET", "https://example.org/fox.png"),
        ("https://example.org/fox.png#SECRET", "https://example.org/fox.png"),
        ("https://example.org?SECRET", "https://example.org"),
        ("https://example.org/?user=me@home&key=SECRET", "https://example.org/"),
        # What one reads so and another otherwise.
        ("https://me:SEC/RET@example.org/fox.png", ""),
        ("https://me:12/SECRET@example.org/fox.png", ""),
        ("https://me:SEC?RET@example.org/fox.png", ""),
        ("https://me:SEC#RET@example.org/fox.png", ""),
        ("https://SECRET?@example.org/fox.png", ""),
        ("https://SECRET#@example.org/fox.png", ""),
        ("https://me:SECRET\\@example.org/fox.png", ""),
        ("https://me:SECRET@exa mple.org/fox.png", ""),
        ("https://me:SECRET@example.org/fox.png\n", ""),
        ("https://me:SECRET@example.org/\u202efox.png", ""),
        ("https://me%3ASECRET%40example.org/fox.png", ""),
        ("https://me:SECRET\uff20example.org/fox.png", ""),
        ("https://me:SECRET@[::1/fox.png", ""),
        ("https://me:SECRET@example.org:port/fox.png", ""),
        ("https:/me:SECRET@example.org/fox.png", ""),
        ("https:me:SECRET@example.org/fox.png", ""),
        ("https:///SECRET", ""),
        ("https://", ""),
        (" https://me:SECRET@example.org/", ""),
        ("ftp://me:SECRET@example.org/fox.png", ""),
        ("data:image/png;base64,SECRET", ""),
        ("/home/SECRET.png", ""),
        ("C:\\SECRET.png", ""),
        ("", ""),
    ],
    ids=ascii,
)
def test_an_address_is_kept_without_what_gives_access(url, bare):
    assert words.bare_address(url) == bare and "SECRET" not in words.bare_address(url)


def test_what_gives_access_within_the_path_is_taken_out_too():
    assert "SECRET" not in words.bare_address("https://example.org/token=SECRET/fox.png")


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["@", ":", "/", "a", "[", "."])
def test_an_address_without_end_is_judged_at_once(piece):
    words.bare_address(f"https://{piece * 200_000}\n")
