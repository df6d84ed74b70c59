# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into a log holds no key, no picture and no signature, and is otherwise left as it is. Plain Python."""

import base64

import pytest
from once import once

from image_to_3d.api.redact import HIDDEN, redact
from image_to_3d.api.words import both_ends, clean

KEY = "msy_Qx7Secret0000"
DATA = base64.b64encode(b"secret picture" * 50).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"the key is {KEY}.",
        f"Authorization: Bearer {KEY}",
        f"authorization: bearer {KEY}\nHost: example.org",
        f"{{'Authorization': 'Bearer {KEY}', 'Accept': '*/*'}}",
        f"{{'Authorization': b'Bearer {KEY}'}}",
        f'{{"x-api-key": "{KEY}"}}',
        f"-H 'x-api-key: {KEY}'",
        f"X-API-KEY={KEY}",
        f"Proxy-Authorization: Basic {KEY}",
        f"http://me:{KEY}@proxy:3128",
        "HTTPConnectionPool(host='x', port=80): Max retries exceeded with url: "
        f"/a/b?Expires=1&Signature={KEY} (Caused by",
        f"GET https://files.example.org/model.glb?Expires=1&Signature={KEY}&Key-Pair-Id=K HTTP/1.1",
        f'"url": "http://files.example.org/a?sig={KEY}", "x": 1',
        f"<https://files.example.org/a?sig={KEY}>",
        f"https://example.org/?api_key={HIDDEN}&Signature={KEY}",
        f"http://me:p@ss{KEY}@proxy:3128",
    ],
)
def test_secrets_are_taken_out_also_where_nobody_named_them(text):
    hidden = redact(text)
    if "the key is" in text:
        assert hidden == text
        hidden = redact(text, [KEY])
    assert KEY not in hidden and HIDDEN in hidden
    assert redact(hidden) == hidden, "done twice it changes again"


@pytest.mark.parametrize(
    "uri",
    [
        f"data:image/png;base64,{DATA}",
        f"data:image/svg+xml;charset=utf-8;base64,{DATA}",
        f"data:;base64,{DATA}",
        f"data:application/octet-stream,{DATA}",
        f"data:image/png;base64,{DATA.replace('+', '%2B').replace('=', '%3D')}",
    ],
)
def test_a_picture_in_a_text_is_taken_out_and_what_is_around_it_stays(uri):
    hidden = redact(f'{{"image_url": "{uri}", "topology": "quad"}}')
    assert redact(hidden) == hidden, "done twice it changes again"
    assert DATA[:20] not in hidden and hidden.endswith('", "topology": "quad"}') and "data:" in hidden


ODD = 'se cret/"key"'  # a proxy's password may hold anything


@pytest.mark.parametrize(
    "form",
    [
        'se cret/"key"',
        "se%20cret%2F%22key%22",
        "se%20cret/%22key%22",
        "se+cret%2F%22key%22",
        'se cret/\\"key\\"',
        'se cret\\/\\"key\\"',
    ],
    ids=["plain", "in a query", "in a path", "in a form", "in JSON", "in JSON of PHP"],
)
def test_a_secret_is_known_in_each_form_that_a_text_may_have_it_in(form):
    assert redact(f"before {form} behind", [ODD]) == f"before {HIDDEN} behind"


def test_of_secrets_that_hold_each_other_nothing_is_left():
    assert redact("http-proxy-secret and secret", ["secret", "http-proxy-secret"]) == f"{HIDDEN} and {HIDDEN}"


def test_the_rest_of_an_address_as_urllib3_names_it_loses_its_query():
    text = "Max retries exceeded with url: /a/model.glb?plain-access-code (Caused by nothing)"
    assert redact(text) == f"Max retries exceeded with url: /a/model.glb?{HIDDEN} (Caused by nothing)"


@pytest.mark.parametrize("text", ["https://example.org/#top", "https://example.org/#"])
def test_a_mere_place_in_a_page_stays(text):
    assert redact(text) in (text, f"https://example.org/#{HIDDEN}")
    assert "code" not in redact("https://example.org/#access=code")


def test_a_traceback_keeps_its_lines():
    traceback = (
        "Traceback (most recent call last):\n  File 'http.py', line 7, in _open\n    "
        f"{{'Authorization': 'Bearer {KEY}'}}\n"
        f"requests.exceptions.ConnectionError: https://files.example.org/a.glb?sig={KEY}\n"
    )
    hidden = redact(traceback)
    assert KEY not in hidden and hidden.count("\n") == traceback.count("\n")
    assert "line 7, in _open" in hidden and "https://files.example.org/a.glb?<hidden>" in hidden


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The model has 12 faces; 50% of them? Yes: all quads, size 1.5 x 2 @ 3 m.",
        "See https://example.org/path/page.html and /home/me/Data: a file, or a@b.example.",
        "C:\\Users\\me\\fox.png at 10:25:34, status 404 (request id 7f-3)",
        "authorization is needed",
        "key msy_ is short",
        "Grün — 苔",
    ],
)
def test_ordinary_text_is_left_as_it_is(text):
    assert redact(text) == text
    assert redact(text, ["", "abc", "x"]) == text, "nobody's key is that short"


MB5 = 5_000_000

NASTY = {
    "one word": "w" * MB5,
    "addresses": "http://" * (MB5 // 7),
    "addresses with queries": "http://?" * (MB5 // 8),
    "short addresses": "a://" * (MB5 // 4),
    "data URIs": "data:" * (MB5 // 5),
    "types of data": "data:" + ";a=b" * (MB5 // 4),
    "one type of data": "data:" + "a" * MB5,
    "headers": "authorization: bearer " * (MB5 // 22),
    "names of headers": "authorization" * (MB5 // 13),
    "a header and spaces": "authorization:" + " " * MB5,
    "a bearer and spaces": "authorization: bearer" + " " * MB5,
    "spaces": " " * MB5,
    "question marks": "?" * MB5,
    "quotes": "\"'" * (MB5 // 2),
    "at signs": "a://" + "@" * MB5,
    "users": "a://b:c@" * (MB5 // 8),
    "signed": "x-amz-" * (MB5 // 6),
    "signatures": "signature=" * (MB5 // 10),
    "ends of sentences": "https://a/?" + ")" * MB5,
    "hidden before": HIDDEN * (MB5 // len(HIDDEN)),
    "paths": "with url: /" * (MB5 // 11),
    "commands to a terminal": "\x1b]0;" * (MB5 // 4),
    "commands without an end": "\x9d\x1b[" * (MB5 // 3),
    "halves of emojis": "\ud83d" * MB5,
    "lines": "\n" * MB5,
}


@once
@pytest.mark.timeout(20)
@pytest.mark.parametrize("shape", NASTY)
def test_five_megabytes_of_anything_hold_nothing_up(shape):
    """A pattern that tries again and again would need hours for one of these."""
    text = NASTY[shape]
    assert KEY not in redact(f"{text} {KEY}", [KEY])
    assert len(clean(f"{text} {KEY}", secrets=[KEY])) <= 300 and len(both_ends(text, 1000)) < 1100
