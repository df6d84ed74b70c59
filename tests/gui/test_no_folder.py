# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender whose user folder cannot be written to, started where a user's own folders lie: it says so, and touches
none of them."""

import shutil

import pytest
from gui import jobs

SENTENCE = "The folder of the jobs cannot be made"


def content(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_user_folder_that_cannot_be_written(start_blender, star, tmp_path_factory, monkeypatch):
    home = tmp_path_factory.mktemp("home")
    for name in ("Documents", ".new-thesis", "20260101-000000-000000-abcd"):
        (home / name).mkdir()
        (home / name / "dear.txt").write_text("dear")
    before = content(home)
    monkeypatch.chdir(home)  # what is started from a terminal has its folder
    blender = start_blender()
    blender.quit()
    own = blender.folder / "resources" / "extensions" / ".user"
    shutil.rmtree(own, ignore_errors=True)
    own.write_text("a file in the way")
    blender.start()
    blender.find(SENTENCE, number=0)  # in the status bar and beside the mouse, which may lie above each other
    blender.press("ESC")
    blender.find("The folder of the jobs", jobs.open_panel(blender))
    with pytest.raises(AssertionError, match=SENTENCE):
        jobs.start(blender, star, "LOCAL")
    assert blender.run("len(session.jobs())") == 0
    assert content(home) == before and own.read_text() == "a file in the way"
