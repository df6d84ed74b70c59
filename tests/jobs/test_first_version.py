# SPDX-License-Identifier: GPL-3.0-or-later
"""The records in `files/first_version` were written by version 0.1.0, one in each state that its jobs went through:
nothing that they tell is lost. What becomes of their jobs is in tests/paid/test_first_version.py."""

import dataclasses
import json
from pathlib import Path

import pytest

from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history
from image_to_3d.jobs.state import State

RECORDS = sorted((Path(__file__).parent / "files" / "first_version").glob("*.json"))
BY_NAME = {path.stem: json.loads(path.read_text()) for path in RECORDS}


def jobs_of(root, *names):
    """Folders with these records, under their own names."""
    for name in names:
        folder = root / BY_NAME[name]["id"]
        folder.mkdir(parents=True)
        (folder / folders.LOCK).touch()
        (folder / "job.json").write_bytes((RECORDS[0].parent / f"{name}.json").read_bytes())
    return root


def plain(value):
    """A value of a job as JSON has it."""
    return json.loads(json.dumps(value, default=dataclasses.asdict))


def test_there_is_a_record_of_each_state():
    assert {record["state"] for record in BY_NAME.values()} == {str(state) for state in State}


@pytest.mark.parametrize("name", BY_NAME)
def test_everything_that_a_record_tells_is_read_and_written_again(name, tmp_path):
    (job,) = history.list_jobs(jobs_of(tmp_path, name))
    for field, value in BY_NAME[name].items():
        assert plain(getattr(job, field)) == value, field
    folder = tmp_path / job.id
    with folders.lock(folder):
        folders.write(folder, job)
    again = json.loads((folder / "job.json").read_text())
    assert {field: again[field] for field in BY_NAME[name] if field != "updated"} == {
        field: value for field, value in BY_NAME[name].items() if field != "updated"
    }


def test_which_go_on_and_which_have_a_model_is_as_it_was(tmp_path):
    for name, record in BY_NAME.items():
        root = jobs_of(tmp_path / name, name)
        (job,) = history.list_jobs(root)
        is_unfinished = record["state"] in ("waiting", "submitting", "running", "downloading", "converting")
        assert (job.state in folders.UNFINISHED) == is_unfinished
        assert (job.state in folders.HAS_RESULT) == (record["state"] in ("ready", "imported"))
