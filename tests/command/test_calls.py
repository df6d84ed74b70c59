# SPDX-License-Identifier: GPL-3.0-or-later
"""One call and the next: what is made, what is not made again, and what is said."""

import time

import pytest
from once import once


def test_pictures_become_files_and_the_same_call_makes_nothing_again(call, services, make_pictures, tmp_path):
    make_pictures(3)
    words = ("pictures", "--service", "meshy", "--output", "made", "--format", "blend,glb", "--json")
    first = call(*words, services=services).end()
    assert first.code == 0, first.output + first.errors
    names = [f"pictures {index}" for index in range(3)]
    made = tmp_path / "made"
    assert sorted(path.name for path in made.iterdir() if path.suffix) == sorted(
        f"{name}.{ending}" for name in names for ending in ("blend", "glb")
    )
    assert sorted(first.lines()) == names
    assert len(services.creates) == 3

    (made / "pictures 1.glb").unlink()
    again = call(*words).end()  # without a key: nothing is asked
    assert again.code == 0, again.output + again.errors
    assert sorted(again.lines()) == names
    assert (made / "pictures 1.glb").is_file()
    assert len(services.creates) == 3


@once
def test_a_failure_stops_nothing_and_is_tried_again_when_that_is_asked_for(call, services, make_pictures):
    services.play("create", "status", status=400, times=1)
    make_pictures(3)
    words = ("pictures", "nowhere.png", "--service", "meshy", "--output", "made", "--jobs", "1", "--json")
    first = call(*words, services=services).end()
    lines = first.lines()
    assert first.code == 1
    assert [name for name, line in lines.items() if line["files"]] == ["pictures 1", "pictures 2"]
    assert "choose one that exists" in lines["nowhere.png"]["message"]
    assert len(services.creates) == 2

    plain = call(*words, services=services).end()
    assert plain.code == 1
    assert "--retry-failed" in plain.lines()["pictures 0"]["message"]
    assert len(services.creates) == 2

    retried = call(*words, "--retry-failed", services=services).end()
    assert retried.code == 1  # one picture is still nowhere
    assert sum(bool(line["files"]) for line in retried.lines().values()) == 3
    assert len(services.creates) == 3


@once
def test_what_fails_for_all_is_said_and_the_same_call_goes_on_later(call, services, make_pictures):
    make_pictures(3)
    services.credits = 0
    words = ("pictures", "--service", "meshy", "--output", "made", "--jobs", "1")
    poor = call(*words, services=services).end()
    assert poor.code == 1
    assert poor.output.count("Not started") == 2
    services.credits = 1000
    rich = call(*words, services=services).end()
    assert rich.code == 0, rich.output
    assert len(services.creates) == 3


@once
def test_the_price_is_said_before_anything_starts_and_nothing_is_written(call, services, make_pictures, tmp_path):
    make_pictures(3)
    words = ("pictures", "--service", "meshy", "--output", "made")
    said = call(*words, "--dry-run").end()
    assert said.code == 0, said.errors
    assert said.output.count("30 credits") == 3 and "90 credits in all" in said.output
    assert not (tmp_path / "made").exists() and not services.creates


@once
def test_no_more_is_spent_than_is_allowed_also_by_the_next_call(call, services, make_pictures):
    make_pictures(4)
    words = ("pictures", "--service", "meshy", "--output", "made", "--max-credits", "70")
    for _ in range(2):
        done = call(*words, services=services).end()
        assert done.code == 1
        assert "2 models left out" in done.output
        assert len(services.creates) == 2
    unknown = call(*words, "--service", "csm", services=services).end()
    assert unknown.code == 3 and "does not tell what this costs" in unknown.output
    assert len(services.creates) == 2


@once
def test_variants_are_models_of_their_own_and_more_of_them_cost_only_the_new_ones(call, services, star, tmp_path):
    words = (star, "--service", "meshy", "--output", "made")
    assert call(*words, services=services).end().code == 0
    assert call(*words, "--variants", "3", services=services).end().code == 0
    assert len(services.creates) == 3
    names = sorted(path.name for path in (tmp_path / "made").glob("*.blend"))
    assert names == ["Red Star.blend", "Red Star_1.blend", "Red Star_2.blend", "Red Star_3.blend"]


@once
def test_pictures_of_one_name_keep_their_own_files_and_strangers_files_stay(call, make_pictures, tmp_path):
    for folder in ("left", "right"):
        made = make_pictures(1, folder)
        (made / f"{folder} 0.png").rename(made / "same.png")
    (tmp_path / "right" / "same.png").write_bytes((tmp_path / "right" / "same.png").read_bytes() + b"\1")
    output = tmp_path / "made"
    output.mkdir()
    (output / "same.blend").write_text("mine")
    both = call("left", "right", "--output", "made", "--json").end()
    assert both.code == 0, both.output
    names = {line["picture"]: stem for stem, line in both.lines().items()}
    assert len(set(names.values())) == 2 and "same" not in names.values()
    assert (output / "same.blend").read_text() == "mine"
    alone = call("right", "--output", "made", "--json").end()
    assert {line["picture"]: stem for stem, line in alone.lines().items()}.items() <= names.items()


@once
def test_other_parameters_make_another_model_and_its_files_take_the_names(call, star, tmp_path):
    words = (star, "--output", "made", "--format", "blend")
    jobs = tmp_path / "made" / ".image_to_3d" / "jobs"
    for setting, number in (("low_poly", 1), ("high_poly", 2), ("low_poly", 2)):
        done = call(*words, "--set", f"resolution={setting}").end()
        assert done.code == 0, done.output
        assert len(list(jobs.glob("*/job.json"))) == number


@once
def test_a_list_comes_through_standard_input(call, make_pictures, tmp_path):
    folder = make_pictures(2)
    text = f"# two of them\n\n{folder / 'pictures 0.png'}\n{folder / '*1.png'}\n"
    done = call("-", "--output", "made", text=text).end()
    assert done.code == 0, done.output + done.errors
    assert len(list((tmp_path / "made").glob("*.blend"))) == 2


@once
@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--servcie", "local"), 2, "There is no option '--servcie'"),
        (("--service", "mehsy"), 2, "did you mean 'meshy'?"),
        (("--set", "resolutoin=low_poly"), 2, "did you mean 'resolution'?"),
        (("--set", "resolution=low_polly"), 2, "did you mean 'low_poly'?"),
        (("--set", "api_key=secret-1234"), 2, "A key is not taken from the command line"),
        (("--api-key", "secret-1234"), 2, "A key is not taken from the command line"),
        (("--service", "meshy"), 3, "MESHY_API_KEY"),
    ],
)
def test_wrong_use_gets_a_sentence_and_an_exit_code(call, star, tmp_path, words, code, sentence):
    done = call(star, "--output", "made", *words).end()
    assert done.code == code
    said = done.output + done.errors
    assert sentence in said and len(said.strip().splitlines()) == 1
    assert "secret-1234" not in said
    assert not list(tmp_path.glob("made/.image_to_3d/jobs/*"))


def test_offline_nothing_leaves_the_machine(call, star):
    environment = {"MESHY_API_KEY": "a-key", "MESHY_API_URL": "https://meshy.invalid"}
    done = call(star, "--service", "meshy", "--output", "made", **environment).end()
    assert done.code == 3 and "Online access is off" in done.output


def test_a_real_model_is_made_without_a_stand_in(call, star, tmp_path):
    done = call(star, "--output", "made", "--set", "resolution=low_poly", "--format", "blend,glb", blender="").end()
    assert done.code == 0, done.output + done.errors
    assert (tmp_path / "made" / "Red Star.blend").stat().st_size > 10_000


@once
def test_the_service_works_on_the_next_while_a_model_is_prepared(
    call, services, make_pictures, tmp_path, stand_in_that, until
):
    make_pictures(3)
    go_on = tmp_path / "go on"
    words = ("pictures", "--service", "meshy", "--output", "made", "--jobs", "1", "--json")
    begun = call(*words, services=services, blender=stand_in_that("--stuck", go_on))
    until(lambda: len(services.creates) == 2)
    time.sleep(1)
    assert len(services.creates) == 2, "there are more models on their way than --jobs says"
    go_on.touch()
    ended = begun.end()
    assert ended.code == 0, ended.output + ended.errors
    assert len(services.creates) == 3


@once
def test_a_local_job_keeps_its_place_until_its_model_is_ready(call, make_pictures, tmp_path, stand_in_that, until):
    make_pictures(2)
    go_on = tmp_path / "go on"
    jobs = tmp_path / "made" / ".image_to_3d" / "jobs"
    begun = call("pictures", "--output", "made", "--jobs", "1", "--json", blender=stand_in_that("--stuck", go_on))
    until(lambda: list(jobs.glob("*/job.json")))
    time.sleep(1)
    assert len(list(jobs.glob("*/job.json"))) == 1
    go_on.touch()
    ended = begun.end()
    assert ended.code == 0, ended.output + ended.errors


@once
def test_a_thumbnail_is_drawn_for_the_asset_browser_only(call, services, make_pictures, tmp_path):
    make_pictures(1)
    words = ("pictures", "--service", "meshy", "--output", "made", "--json", "--format")
    jobs = tmp_path / "made" / ".image_to_3d" / "jobs"
    assert call(*words, "blend", services=services).end().code == 0
    assert (tmp_path / "made" / "pictures 0.blend").is_file()
    assert not list(jobs.glob("*/thumbnail.png"))
    later = call(*words, "blend,asset", services=services).end()
    assert later.code == 0, later.output + later.errors
    assert len(list(jobs.glob("*/thumbnail.png"))) == 1
    assert len(services.creates) == 1
