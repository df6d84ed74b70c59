# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preferences draw in each state."""

import bpy
import pytest
from layout import drawn_by, operators, properties, words
from ticking import hear


@pytest.fixture
def accounts(extension, no_jobs):
    accounts = extension.module("session").current().accounts
    accounts.close()
    yield accounts
    accounts.close()


@pytest.fixture
def draw(extension, accounts):
    """Draws the preferences."""
    cls = extension.module("panels.preferences").IMAGE_TO_3D_AP_preferences
    return lambda: drawn_by(cls, bl_rna=extension.preferences.bl_rna)


def checks(drawn):
    """By service: whether its check can be pressed."""
    found = [asked for name, asked in drawn if name == "operator" and asked["operator"] == "image_to_3d.check_account"]
    return {asked["set"]["service"]: asked["enabled"] is not False for asked in found}


def test_everything_is_there(extension, draw):
    drawn = draw()
    names = {prop.identifier for prop in extension.preferences.bl_rna.properties} - {"rna_type", "name", "bl_idname"}
    assert set(properties(drawn)) == names
    pages = [values["url"] for operator, values in operators(drawn) if operator == "wm.url_open"]
    assert len(pages) == 1 and pages[0].startswith("https://www.meshy.ai/")  # ComfyUI has none, and CSM's is gone


@pytest.mark.parametrize("in_environment", [False, True])
def test_a_key_is_never_shown(extension, draw, monkeypatch, in_environment):
    extension.preferences.meshy_key = "msy_secret_of_the_preferences"
    if in_environment:
        monkeypatch.setenv("MESHY_API_KEY", "msy_secret_of_the_environment")
        monkeypatch.setenv("MESHY_API_URL", "http://127.0.0.1:1")
    drawn = draw()
    assert "secret" not in words(drawn)
    assert ("meshy_key" in properties(drawn), "meshy_url" in properties(drawn)) == (not in_environment,) * 2
    assert {"csm_key", "csm_url", "proxy", "ca_file"} <= set(properties(drawn))
    assert ("From the environment (MESHY_API_KEY)" in words(drawn)) == in_environment


def test_without_a_key_there_is_nothing_to_check_but_at_a_server_of_ones_own(extension, draw):
    extension.preferences.meshy_key = "msy_1"
    assert checks(draw()) == {"COMFYUI": True, "CSM": False, "MESHY": True}


def test_a_server_of_ones_own_has_an_address_and_a_token_which_it_may_do_without(draw):
    drawn = draw()
    rows = [(asked["property"], asked.get("text"), asked.get("placeholder")) for name, asked in drawn if name == "prop"]
    assert rows[:2] == [
        ("comfyui_url", "Address", "http://127.0.0.1:8188"),
        ("comfyui_key", "Token", "Optional"),
    ]
    assert ("meshy_key", "API Key", "") in rows


def test_that_a_service_has_closed_is_said_until_somebody_enters_the_address_of_a_server(extension, draw):
    assert words(draw()).count("CSM closed in January 2026") == 1
    extension.preferences.csm_url = "http://127.0.0.1:1"
    assert "CSM closed" not in words(draw())


@pytest.mark.parametrize(
    ("address", "is_here"),
    [
        ("", True),
        ("127.0.0.1:8188", True),
        ("http://localhost:8000/", True),
        ("192.168.1.20:8188", False),
        ("https://example.org/comfy", False),
    ],
)
def test_a_server_of_ones_own_needs_online_access_where_it_is_another_computer(extension, draw, address, is_here):
    extension.preferences.comfyui_url = address
    assert ("Online access is off" not in words(draw())) == is_here


def test_online_access_off_is_said(extension, draw):
    assert "Online access is off" not in words(draw())
    extension.preferences.meshy_key = "msy_1"
    assert words(draw()).count("Online access is off") == 1
    extension.preferences.meshy_url = "http://127.0.0.1:1/openapi"
    assert "Online access is off" not in words(draw())


def test_what_the_service_says_is_shown(draw, accounts, account, monkeypatch):
    account.play("balance", "slow", seconds=0.2)
    accounts.ask("meshy")
    assert "Checking the API key" in words(draw())
    hear(accounts)
    assert "API key accepted, 1,000 credits left" in words(draw())
    monkeypatch.setenv("MESHY_API_KEY", "wrong-key-0123456789")
    assert "accepted" not in words(draw())
    accounts.ask("meshy")
    hear(accounts)
    assert "does not accept the API key" in words(draw())


def test_results_have_a_folder_and_a_size(session, draw, no_jobs, star, extension):
    session.end()
    folder = str(session.root())
    drawn = draw()
    assert folder in words(drawn) and " jobs, " not in words(drawn)
    session.tick()
    assert "0 jobs, 0.0 KB" in words(draw())
    folders = extension.module("jobs.folder")
    made = folders.create(session.root(), service="local", parameters={"image_url": str(star)}, name="Red Star")
    (made / "result.glb").write_bytes(bytes(3_000_000))
    job = folders.read(made)
    job.state = folders.State.IMPORTED
    folders.write(made, job)
    session.refresh(job.id)
    assert "1 job, 3.0 MB" in words(draw())
    assert ("wm.path_open", {"filepath": folder}) in operators(draw())


def test_the_preferences_can_be_opened_where_there_are_windows():
    assert not bpy.ops.image_to_3d.show_preferences.poll()
