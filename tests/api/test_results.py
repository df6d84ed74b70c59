# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of delivered files: kept, asked for again, never fetched twice. With a service that only delivers."""

from types import SimpleNamespace

import pytest

from image_to_3d import api
from image_to_3d.api import errors, results
from image_to_3d.api.address import HOST_AT_MOST, LENGTH_AT_MOST, Reach, read


class Deliverer:
    """Delivers these files one by one, the last again and again. Each look at the task gives a fresh address."""

    def __init__(self, *files, is_paid=True):
        self.files = list(files)
        self.about = SimpleNamespace(is_paid=is_paid)
        self.asked = []
        self.looks = 0

    def get(self, task_id):
        self.looks += 1
        return task(f"https://files.example/{self.looks}")

    def fetch(self, url, path, on_progress=lambda fraction: None):
        self.asked.append(url)
        path.write_bytes(self.files.pop(0) if len(self.files) > 1 else self.files[0])


def task(url="https://files.example/0"):
    return api.Task("T", api.Status.SUCCEEDED, 1.0, result=api.Result(url))


@pytest.fixture
def whole(cube):
    return cube.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fox.glb"


def names(path):
    return sorted(file.name for file in path.parent.iterdir())


def test_a_file_that_was_fetched_by_a_call_before_is_not_fetched_again(path, whole):
    path.with_name("fox.glb.unchecked").write_bytes(whole)  # the call before was interrupted right then
    service = Deliverer(b"")
    api.save(service, task(), path)
    assert service.asked == [] and path.read_bytes() == whole and names(path) == ["fox.glb"]


def test_what_is_refused_is_asked_for_once_more_at_a_fresh_address(path, whole):
    service = Deliverer(b"damaged", whole)
    saved = api.save(service, task(), path)
    assert service.asked == ["https://files.example/0", "https://files.example/1"] and path.read_bytes() == whole
    assert saved.result.glb == service.asked[-1] and names(path) == ["fox-kept-1.glb", "fox.glb"]


def test_what_costs_nothing_to_make_is_not_asked_for_twice(path):
    service = Deliverer(b"damaged", is_paid=False)
    with pytest.raises(errors.GlbError, match="kept as fox-kept-1.glb"):
        api.save(service, task(), path)
    assert len(service.asked) == 1 and service.looks == 0


def test_files_that_differ_are_all_kept_and_one_that_came_twice_once(path):
    with pytest.raises(errors.GlbError) as refusal:
        api.save(Deliverer(b"damaged", b"damaged too"), task(), path)
    assert refusal.value.kept == path.with_name("fox-kept-2.glb")
    with pytest.raises(errors.GlbError):
        api.save(Deliverer(b"damaged too", b"damaged"), task(), path)
    assert names(path) == ["fox-kept-1.glb", "fox-kept-2.glb"]
    assert path.with_name("fox-kept-1.glb").read_bytes() == b"damaged"


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><p>", b"<html>", b"\xef\xbb\xbf<!doctype html>", b" \n\t<HTML lang=en>"], ids=ascii
)
def test_a_web_page_is_nobody_s_model_and_is_not_kept(path, page):
    with pytest.raises(errors.GlbError) as refusal:
        api.save(Deliverer(page), task(), path)
    assert refusal.value.kept is None and names(path) == []


def test_a_task_that_has_failed_meanwhile_says_why(path):
    service = Deliverer(b"damaged")
    service.get = lambda task_id: api.Task("T", api.Status.GONE, error=errors.GoneError("It is gone."))
    with pytest.raises(errors.GoneError, match="It is gone"):
        api.save(service, task(), path)
    assert names(path) == ["fox-kept-1.glb"]


def test_an_address_that_is_over_is_asked_for_anew_for_other_files_too(path):
    class Over(Deliverer):
        def fetch(self, url, path, on_progress=lambda fraction: None):
            super().fetch(url, path)
            if url.endswith("/0"):
                raise errors.AddressExpiredError("It is over.")

    service = Over(b"map")
    fresh = results.fetch(service, task(), lambda result: result.glb, path)
    assert service.asked == ["https://files.example/0", "https://files.example/1"]
    assert fresh.result.glb == service.asked[-1]


@pytest.mark.parametrize(
    "url", ["https://" + "a" * (HOST_AT_MOST + 1), "https://a/" + "b" * LENGTH_AT_MOST], ids=["host", "all"]
)
def test_an_address_that_is_too_long_is_none(url, is_sentence):
    with pytest.raises(errors.DownloadError) as refusal:
        read(url)
    assert is_sentence(str(refusal.value)) and len(str(refusal.value)) < 200


def test_one_of_the_greatest_length_is_read():
    assert read("https://" + "a" * HOST_AT_MOST).host == "a" * HOST_AT_MOST
    assert read(("https://a/" + "b" * LENGTH_AT_MOST)[:LENGTH_AT_MOST]).host == "a"


def test_a_number_with_a_zone_is_as_near_as_its_number():
    assert read("https://[fe80::1%25eth0]/").reach is Reach.PRIVATE
