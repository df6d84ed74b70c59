# SPDX-License-Identifier: GPL-3.0-or-later
"""The timer's look, and what it leaves to be said: once, all of it, and the credits after a job."""

import time

import bpy
import pytest
from once import once
from ticking import hear

pytestmark = pytest.mark.usefixtures("quick_models")

DEADLINE_S = 60  # against a hang; nothing is measured with it


@pytest.fixture
def watch(extension, no_jobs):
    return extension.module("operators.watch")


def look_until(watch, condition):
    until = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        watch.look()
        time.sleep(0.05)


def test_what_a_look_has_heard_stays_until_it_is_said(watch, session, start_web, account):
    start_web("csm")
    look_until(watch, lambda: not session.is_busy())
    (news,) = session.unsaid
    assert news.sentence.startswith("Red Star is in the scene: ")
    watch.look()
    assert len(session.unsaid) == 1, "nothing is said twice"
    assert watch.is_needed(), "it is still to be said, although nothing runs any more"
    session.unsaid.clear()
    assert not watch.is_needed()


@once
def test_the_credits_are_asked_for_again_after_a_job(extension, watch, session, settings, start_web, account):
    """But not before ten seconds have passed since they were asked for."""
    now = [time.monotonic()]
    session.current.accounts = extension.module("session.account").Accounts(clock=lambda: now[0])
    settings.service = "MESHY"
    watch.look()
    hear(session.accounts)
    assert session.accounts.last("meshy").credits == 1000
    start_web("meshy")
    look_until(watch, lambda: not session.is_busy())
    now[0] += 11
    watch.look()
    hear(session.accounts)
    assert session.accounts.last("meshy").credits == account.credits < 1000


def test_a_job_is_looked_at_soon_after_it_was_started(watch):
    """The timer is set anew, and is there once."""
    for _ in range(2):
        watch.wake()
    assert bpy.app.timers.is_registered(watch.beat)
    bpy.app.timers.unregister(watch.beat)
    assert not bpy.app.timers.is_registered(watch.beat)
    watch.wake()


def test_the_timer_comes_again_also_after_a_bug(watch, session, capfd):
    """One that raises is gone, and with it whoever would look after the jobs."""
    session.queue.config_of = None
    session.current.accounts.look = None
    assert watch.beat() > 0
    assert "TypeError" in capfd.readouterr().err


def test_the_limits_of_the_preferences_reach_the_jobs_process(extension, make_job):
    access = extension.module("session.access")
    preferences = extension.preferences
    preferences.time_limit, preferences.picture_limit = 7, 1234
    usual = access.config_of(make_job("waiting", service="local"))["model_bounds"]
    bounds = extension.module("programs.bounds").Bounds
    assert bounds(**usual) == bounds() == bounds(memory_bytes=3 << 30, seconds=600.0)
    preferences.model_memory_gb, preferences.model_minutes = 5, 20
    try:
        config = access.config_of(make_job("waiting", service="meshy"))
        assert config["time_limit_s"] == 7 * 60.0
        assert config["model_bounds"] == {"memory_bytes": 5 << 30, "seconds": 1200.0}
        assert config["connection"]["picture_limit_px"] == 1234
    finally:
        for name in ("time_limit", "picture_limit", "model_memory_gb", "model_minutes"):
            preferences.property_unset(name)


@once
def test_in_the_background_it_says_all_at_once_and_waits_for_nothing(session, capfd):
    """A modal operator would never wake there."""
    session.current.unsaid.append(session.News("INFO", "Red Star is in the scene"))
    for how in ("INVOKE_DEFAULT", "EXEC_DEFAULT"):
        assert bpy.ops.image_to_3d.watch(how) == {"FINISHED"}
    assert session.watch_timer is None and session.unsaid == []
    assert capfd.readouterr().out.count("Red Star is in the scene") == 1
