# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job tells the Asset Browser of its model, and the file with the catalogs: nothing secret, nothing of others
changed."""

import os

import pytest
from once import once

from image_to_3d.api.parameters import check
from image_to_3d.api.services import SERVICES
from image_to_3d.jobs import assets
from image_to_3d.jobs.folder import Job, State

pytestmark = once

CATALOGS = "blender_assets.cats.txt"

IDS = {
    "": "7366d6cd-73cc-5d9b-aa50-060aa89fdd0a",
    "local": "6030c215-a71f-5208-a340-780e7a1a9985",
    "csm": "4f6decf8-92bd-5d25-a776-c763b2288f42",
    "meshy": "56804700-19ca-575b-96d2-f6aa97cd091b",
}
"""A copy: the assets of all users lead to their catalogs by these."""


def lines(root):
    return (root / CATALOGS).read_text(encoding="utf-8").splitlines()


def entries(root):
    """By id: path and simple name of each catalog."""
    found = [line.split(":") for line in lines(root) if line and not line.startswith(("#", "VERSION"))]
    return {catalog: (path, name) for catalog, path, name in found}


def test_each_service_has_a_catalog_whose_id_never_changes(tmp_path):
    assets.write_catalogs(tmp_path)
    assert lines(tmp_path).count("VERSION 1") == 1
    found = entries(tmp_path)
    assert {found[IDS[name]] for name in ("local", "csm", "meshy")} == {
        ("Image to 3D/Local", "Image to 3D-Local"),
        ("Image to 3D/CSM", "Image to 3D-CSM"),
        ("Image to 3D/Meshy", "Image to 3D-Meshy"),
    }
    assert found[IDS[""]] == ("Image to 3D", "Image to 3D")
    assert len(found) == 1 + len(SERVICES)
    for name in ("local", "csm", "meshy"):
        assert assets.catalog_of(name) == IDS[name]


def test_what_is_whole_is_not_written_again(tmp_path):
    assets.write_catalogs(tmp_path)
    before = (tmp_path / CATALOGS).stat()
    assets.write_catalogs(tmp_path)
    assert (tmp_path / CATALOGS).stat() == before


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_lines_of_others_stay(tmp_path, end):
    """A user has moved one of ours, and made one of their own; the last line may have no end."""
    theirs = [
        "# mine",
        "VERSION 1",
        "",
        f"{IDS['meshy'].upper()}:Paid/Meshy:Mine",
        "12345678-0000-0000-0000-0000000000aa:Café:Café",
    ]
    content = (end or "\n").join(theirs) + end
    (tmp_path / CATALOGS).write_bytes(content.encode())
    assets.write_catalogs(tmp_path)
    assert (tmp_path / CATALOGS).read_bytes().startswith(content.encode())
    found = entries(tmp_path)
    assert found["12345678-0000-0000-0000-0000000000aa"] == ("Café", "Café")
    assert IDS["meshy"] not in found and found[IDS["meshy"].upper()] == ("Paid/Meshy", "Mine")
    assert IDS["local"] in found and IDS["csm"] in found


def test_a_file_without_a_version_gets_one_and_keeps_its_bytes(tmp_path):
    (tmp_path / CATALOGS).write_bytes(b"# caf\xe9\n")
    assets.write_catalogs(tmp_path)
    content = (tmp_path / CATALOGS).read_bytes()
    assert content.splitlines()[0] == b"VERSION 1" and b"# caf\xe9\n" in content and IDS["local"].encode() in content


@pytest.mark.parametrize("content", [b"VERSION 2\n", b"#" * 2_000_000, "VERSION 1\n".encode("utf-16")])
def test_what_this_version_does_not_understand_is_left_alone(tmp_path, content):
    (tmp_path / CATALOGS).write_bytes(content)
    assets.write_catalogs(tmp_path)
    assert (tmp_path / CATALOGS).read_bytes() == content


def test_a_link_is_not_followed(tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("mine")
    (tmp_path / CATALOGS).symlink_to(other)
    assets.write_catalogs(tmp_path)
    assert other.read_text() == "mine" and (tmp_path / CATALOGS).is_symlink()


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    (tmp_path / CATALOGS).write_text("VERSION 1\n")

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        assets.write_catalogs(tmp_path)
    assert os.listdir(tmp_path) == [CATALOGS] and lines(tmp_path) == ["VERSION 1"]


def test_a_job_brings_the_catalogs(jobs):
    assert jobs.finish(jobs.create()).state is State.READY
    assert IDS["local"] in entries(jobs.root)


def test_a_job_ends_well_without_the_catalogs(jobs):
    (jobs.root / CATALOGS).mkdir(parents=True)
    job = jobs.finish(jobs.create())
    assert job.state is State.READY, job.message


# What the asset says


def job_of(service, **parameters):
    checked = check(SERVICES[service].parameters, {"image_url": "picture.png", **parameters})
    return Job("20260101-000000-000000-0000", service, "Red Star", checked)


def test_it_says_what_was_asked_for_in_plain_words():
    facts = assets.facts_of(
        job_of(
            "meshy",
            ai_model="meshy-6",
            should_remesh=True,
            target_polycount=12345,
            topology="quad",
            remove_lighting=False,
        )
    )
    for said in ("Meshy", "Red Star", "Remesh: yes", "Faces: 12,345", "Topology: quad"):
        assert said in facts["description"]
    assert "Remove Lighting: no" in facts["description"]
    assert "Texture Size" not in facts["description"], "it is at its default"
    assert "picture.png" not in facts["description"]
    assert facts["tags"] == ["Meshy", "Red Star"] and facts["catalog"] == IDS["meshy"]


def test_it_says_no_number_of_faces_that_nobody_asked_for():
    smart = {"model_type": "smart-topology", "ai_model": "meshy-t2.5"}
    assert "Faces" not in assets.facts_of(job_of("meshy", **smart))["description"]
    for faces in (9_000, 30_000):
        described = assets.facts_of(job_of("meshy", **smart, target_polycount=faces))["description"]
        assert f"Faces: {faces:,}" in described


def test_it_says_sizes():
    described = assets.facts_of(job_of("local", scaled_bbox=[-1, 2, 0.5], resolution="low_poly"))["description"]
    assert "automatic" in described and " 2," in described and " 0.5" in described and "low poly" in described


def test_without_a_wish_it_ends_with_the_picture():
    described = assets.facts_of(job_of("local"))["description"]
    assert described == "Made by Image to 3D with Local from the picture Red Star"


def test_nothing_that_gives_access_is_in_it():
    job = job_of(
        "meshy",
        image_url="https://me:pass@example.com/star.png?X-Amz-Signature=secret1#secret2",
        texture_prompt="like https://example.com/oak.png?sig=secret4, api_key=secret5 please",
    )
    job.parameters["texture_image_url"] = "https://example.com/wood.png?token=secret3"  # an earlier version's record
    described = str(assets.facts_of(job))
    assert "https://example.com/star.png" in described and "please" in described
    assert not [word for word in ("secret", "pass", "me:", "wood") if word in described.replace("pictures", "")]


def test_a_record_with_values_that_no_service_takes_has_a_description_all_the_same():
    job = job_of("local")
    job.parameters = {"image_url": "x.png", "scaled_bbox": [1], "resolution": 7, "topology": None, "unknown": "?"}
    assert assets.facts_of(job)["description"].startswith("Made by Image to 3D with Local")


def test_it_is_one_line_that_is_not_endless():
    job = job_of("meshy", texture_prompt="red\n\x1b[31m" + "very " * 110)
    described = assets.facts_of(job)["description"]
    assert "\n" not in described and "\x1b" not in described and len(described) <= 1000
