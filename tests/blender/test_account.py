# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys tried and credits asked for from inside Blender: what is told, how often is asked, and that nothing waits or
leaks."""

import os
import time
from pathlib import Path

import bpy
import pytest
from once import once
from service.stand_in import StandIn
from ticking import hear

pytestmark = pytest.mark.usefixtures("quick_models")

DEADLINE_S = 60  # against a hang; nothing is measured with it
PROC = Path("/proc")


@pytest.fixture
def accounts(extension, no_jobs):
    """What knows the accounts; it knows nothing yet, and nothing afterwards."""
    current = extension.module("session").current()
    current.accounts.close()
    yield current.accounts
    extension.module("session").current().accounts.close()


class Clock:
    """A clock that a test turns on. It begins as the real one, which `hear` has."""

    def __init__(self):
        self.now = time.monotonic()

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def clocked(extension, clock):
    """The same with a clock that the test turns on."""
    accounts = extension.module("session.account").Accounts(clock=clock)
    yield accounts
    accounts.close()


def heard(accounts, service="meshy"):
    """What is told once the answer has come."""
    hear(accounts)
    return accounts.last(service)


def asked(services):
    return sum(request.step == "balance" for request in services.requests)


@once
def test_a_good_key_and_the_credits(accounts, account):
    assert accounts.last("meshy") is None
    accounts.ask("meshy")
    assert accounts.is_busy() and accounts.last("meshy").is_asking
    told = heard(accounts)
    assert (told.sentence, told.credits) == ("API key accepted, 1,000 credits left", 1000)
    assert not told.is_error and not told.is_asking and not account.creates


@once
@pytest.mark.parametrize(("credits", "words"), [(0, "0 credits left"), (1, "1 credit left")])
def test_few_credits(accounts, account, credits, words):
    account.credits = credits
    accounts.ask("meshy")
    told = heard(accounts)
    assert told.sentence == f"API key accepted, {words}" and told.credits == credits


@once
def test_csm_tells_no_credits(accounts, account):
    accounts.ask("csm")
    told = heard(accounts, "csm")
    assert (told.sentence, told.credits, told.is_error) == ("API key accepted", None, False)


@once
def test_a_wrong_key(accounts, account, monkeypatch):
    monkeypatch.setenv("MESHY_API_KEY", "wrong-key-0123456789")
    accounts.ask("meshy")
    told = heard(accounts)
    assert told.is_error and told.credits is None and "does not accept the API key" in told.sentence


@once
def test_a_service_that_is_away(accounts, account):
    account.close()
    accounts.ask("meshy")
    told = heard(accounts)
    assert told.is_error and "check the network" in told.sentence


@once
def test_without_a_key_or_online_access_no_process_is_started(extension, accounts, account, monkeypatch):
    monkeypatch.setenv("MESHY_API_URL", "https://example.org")
    with pytest.raises(Exception, match="Online access is off"):
        accounts.ask("meshy")
    accounts.look("meshy")
    monkeypatch.delenv("MESHY_API_KEY")
    with pytest.raises(Exception, match="needs an API key"):
        accounts.ask("meshy")
    accounts.look("meshy")
    assert not accounts.is_busy() and accounts.last("meshy") is None and not account.requests


@once
def test_online_access_that_is_turned_off_ends_the_check(accounts, account, monkeypatch):
    bpy.context.preferences.system.use_online_access = True
    monkeypatch.setenv("MESHY_API_URL", "https://192.0.2.1")  # nobody is there (RFC 5737)
    accounts.ask("meshy")
    bpy.context.preferences.system.use_online_access = False
    accounts.hear()
    assert not accounts.is_busy() and accounts.last("meshy") is None


@once
def test_the_credits_are_looked_for_once_and_again_after_a_job(clocked, account, clock):
    for _ in range(3):
        clocked.look("meshy")
        heard(clocked)
        clock.now += 100
    assert asked(account) == 1
    account.credits = 970
    clocked.outdated("meshy")
    clocked.look("meshy")
    assert clocked.last("meshy").credits == 1000  # still shown while it is asked again
    assert heard(clocked).credits == 970
    clocked.outdated("meshy")
    clock.now += 9
    clocked.look("meshy")
    assert not clocked.is_busy()
    clock.now += 2
    clocked.look("meshy")
    heard(clocked)
    assert asked(account) == 3


@once
@pytest.mark.parametrize("service", ["local", "csm"])
def test_who_tells_no_credits_is_not_looked_for(accounts, account, service):
    accounts.look(service)
    assert not accounts.is_busy() and not account.requests


@once
def test_a_job_that_ends_while_the_credits_are_asked_for_is_not_missed(clocked, account, clock):
    clocked.look("meshy")
    clocked.outdated("meshy")
    heard(clocked)
    clock.now += 11
    clocked.look("meshy")
    heard(clocked)
    assert asked(account) == 2


@once
@pytest.mark.parametrize("what", ["KEY", "URL"])
def test_another_key_or_address_makes_the_answer_void(clocked, account, clock, monkeypatch, what):
    clocked.look("meshy")
    assert heard(clocked).credits == 1000
    monkeypatch.setenv(f"MESHY_API_{what}", {"KEY": "wrong-key-0123456789", "URL": f"{account.url}/nobody"}[what])
    assert clocked.last("meshy") is None
    clocked.look("meshy")
    assert not clocked.is_busy()  # it is too early
    clock.now += 11
    clocked.look("meshy")
    assert heard(clocked).is_error


@once
def test_an_answer_for_a_key_that_has_changed_meanwhile_is_not_told(accounts, account, monkeypatch):
    account.play("balance", "hang")
    accounts.ask("meshy")
    monkeypatch.setenv("MESHY_API_KEY", "wrong-key-0123456789")
    accounts.hear()
    assert not accounts.is_busy() and accounts.last("meshy") is None


@once
def test_a_service_that_never_answers_is_given_up(clocked, account, clock):
    account.play("balance", "hang", times=9)
    clocked.ask("meshy")
    clocked.hear()
    assert clocked.is_busy()
    clock.now += 61
    clocked.hear()
    told = clocked.last("meshy")
    assert not clocked.is_busy() and told.is_error and "does not answer" in told.sentence


@once
def test_asking_twice_asks_once(accounts, account):
    accounts.ask("meshy")
    accounts.ask("meshy")
    heard(accounts)
    assert asked(account) == 1


@once
def test_disabling_ends_the_check(extension, accounts, account):
    account.play("balance", "hang", times=9)
    accounts.ask("meshy")
    (process,) = accounts.processes.values()
    extension.disable()
    try:
        process.wait(DEADLINE_S)
    finally:
        extension.enable()


@once
def test_the_operator_checks_the_scenes_service_or_the_named_one(accounts, account, settings):
    settings.service = "MESHY"
    assert bpy.ops.image_to_3d.check_account() == {"FINISHED"}
    assert accounts.last("meshy").credits == 1000
    assert bpy.ops.image_to_3d.check_account(service="CSM") == {"FINISHED"}
    assert accounts.last("csm").sentence == "API key accepted"


@once
@pytest.mark.parametrize(
    ("service", "words"),
    [("LOCAL", "Local needs no API key"), ("CSM", "CSM needs an API key"), ("TRIPO", "There is no service 'TRIPO'")],
)
def test_the_operator_says_why_not(accounts, settings, service, words):
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.image_to_3d.check_account(service=service)


@once
def test_the_operator_reports_a_wrong_key(accounts, account, monkeypatch):
    monkeypatch.setenv("MESHY_API_KEY", "wrong-key-0123456789")
    with pytest.raises(RuntimeError, match="does not accept the API key"):
        bpy.ops.image_to_3d.check_account(service="MESHY")


@once
def test_the_key_is_in_no_argument_no_file_and_is_not_printed(extension, accounts, cube, session, tmp_path, capfd):
    with StandIn(model=cube) as services:
        services.play("balance", "slow", seconds=0.3)
        extension.preferences.meshy_key, extension.preferences.meshy_url = services.meshy_key, services.meshy_url
        accounts.ask("meshy")
        (process,) = accounts.processes.values()
        if PROC.is_dir():
            for what in ("cmdline", "environ"):
                assert services.meshy_key.encode() not in (PROC / str(process.pid) / what).read_bytes()
        assert heard(accounts).credits == 1000
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"), compress=False)
        files = [tmp_path / "scene.blend", *(file for file in session.root().rglob("*") if file.is_file())]
        assert not any(services.meshy_key.encode() in file.read_bytes() for file in files)
        printed = capfd.readouterr()
        assert services.meshy_key not in printed.out + printed.err
    assert "MESHY_API_KEY" not in os.environ


@once
def test_a_check_that_cannot_be_started_says_so(accounts, account, monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(OSError):
        accounts.ask("meshy")
    assert accounts.last("meshy").is_error and not accounts.is_busy()


# What a server of the user's lacks


@pytest.fixture
def chosen(settings):
    """The settings of the scene, which ask ComfyUI for a mesh."""
    settings.service, settings.comfyui.workflow = "COMFYUI", "MESH"
    return settings


def looked(services):
    """How often the server was asked how it is."""
    return sum(request.path.endswith("/system_stats") for request in services.requests)


@once
def test_a_server_that_has_all_is_ready_and_says_which_it_is(clocked, comfyui, chosen, clock):
    for _ in range(3):
        clocked.look("comfyui")
        told = heard(clocked, "comfyui")
        clock.now += 100
    assert told.sentence.startswith("Ready: ComfyUI 0.33") and not told.is_error and not clocked.lack("comfyui")
    assert looked(comfyui) == 1 and not comfyui.creates


@once
def test_what_a_server_lacks_is_told_with_the_page_that_has_it_and_looked_for_until_it_is_there(
    clocked, comfyui, chosen, clock
):
    there, comfyui.comfyui.models = comfyui.comfyui.models, {}
    clocked.look("comfyui")
    told = heard(clocked, "comfyui")
    assert told.is_error and told.sentence.startswith("ComfyUI lacks ") and told.page.startswith("https://")
    assert clocked.lack("comfyui") == told.sentence
    comfyui.comfyui.models = there
    clock.now += 9
    clocked.look("comfyui")
    assert not clocked.is_busy()  # it is too early
    clock.now += 2
    clocked.look("comfyui")
    still = clocked.last("comfyui")
    assert still.is_asking and (still.sentence, still.page) == (told.sentence, told.page)  # until more is known
    assert heard(clocked, "comfyui").sentence.startswith("Ready") and not clocked.lack("comfyui")


@once
def test_what_was_lacking_long_ago_counts_no_more_where_nobody_looks(clocked, comfyui, chosen, clock):
    comfyui.comfyui.models = {}
    clocked.ask("comfyui")
    heard(clocked, "comfyui")
    assert clocked.lack("comfyui")
    clock.now += 61
    assert not clocked.lack("comfyui")


@once
def test_another_workflow_is_asked_for_at_once_and_a_number_is_not(clocked, comfyui, chosen, clock):
    clocked.look("comfyui")
    heard(clocked, "comfyui")
    chosen.comfyui.octree_resolution = 128
    assert clocked.last("comfyui")
    chosen.comfyui.workflow = "TEXTURED"
    assert clocked.last("comfyui") is None
    clock.now += 2
    clocked.look("comfyui")
    assert heard(clocked, "comfyui") and looked(comfyui) == 2


@once
def test_a_workflow_of_ones_own_is_read_where_it_lies_beside_the_blend(accounts, comfyui, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    chosen = bpy.context.scene.image_to_3d
    chosen.comfyui.workflow, chosen.comfyui.workflow_file = "FILE", "//gone.json"
    accounts.ask("comfyui")
    told = heard(accounts, "comfyui")
    assert told.is_error and str(tmp_path / "gone.json") in told.sentence


@once
def test_a_server_of_ones_own_needs_no_key_to_be_checked(accounts, comfyui, chosen):
    assert bpy.ops.image_to_3d.check_account() == {"FINISHED"}
    assert accounts.last("comfyui").sentence.startswith("Ready: ComfyUI")
    comfyui.close()
    accounts.close()
    with pytest.raises(RuntimeError, match="No ComfyUI answers at 127.0.0.1"):
        bpy.ops.image_to_3d.check_account()


@once
def test_a_job_that_failed_has_the_server_looked_at_again(clocked, comfyui, chosen, clock):
    clocked.look("comfyui")
    heard(clocked, "comfyui")
    clocked.outdated("comfyui")
    clock.now += 11
    clocked.look("comfyui")
    heard(clocked, "comfyui")
    assert looked(comfyui) == 2


@once
def test_what_a_server_lacks_is_said_before_a_job_is_made(accounts, comfyui, chosen, session, star):
    comfyui.comfyui.models = {}
    accounts.ask("comfyui")
    lack = heard(accounts, "comfyui").sentence
    with pytest.raises(RuntimeError) as failure:
        bpy.ops.image_to_3d.generate(filepath=str(star))
    assert lack in str(failure.value) and not session.jobs() and not comfyui.creates
