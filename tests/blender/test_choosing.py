# SPDX-License-Identifier: GPL-3.0-or-later
"""What leads to a picture and to a service: the file browser, recent pictures, drops, the preview of what is chosen,
what a service is for, what it costs and how long it takes."""

import os
import shutil
from types import SimpleNamespace

import bpy
import pytest
from layout import Layout, context, drawn_by, operators, words

SECOND_NS = 1_000_000_000
DEFAULT_PX = 280

THE_PAST_NS = 1_700_000_000 * SECOND_NS


@pytest.fixture
def sidebar(extension):
    return extension.module("panels.sidebar")


@pytest.fixture
def menu(sidebar):
    return sidebar.IMAGE_TO_3D_MT_recent


@pytest.fixture
def clock():
    """A clock that goes on when a test says so."""
    return SimpleNamespace(now_s=1000.0)


@pytest.fixture
def previews(extension, clock):
    made = extension.module("session.previews").Previews(clock=lambda: clock.now_s)
    yield made
    made.close()


def copies(star, folder, *names):
    return [shutil.copy(star, folder / name) for name in names]


# What a service is for


def lines(sidebar):
    """What the sidebar says about the service where it is as wide as Blender makes it: what it is for, what it needs
    beside this computer, what it costs. One line each."""
    layout = Layout()
    sidebar.IMAGE_TO_3D_PT_generate.draw(SimpleNamespace(layout=layout), context(width=DEFAULT_PX))
    said = [asked["text"] for name, asked in layout.drawn if name == "label"]
    return said[said.index("Import") + 1 :][: 2 if bpy.context.scene.image_to_3d.service == "LOCAL" else 3]


def test_each_service_says_what_it_is_for_what_it_needs_and_what_it_costs(sidebar, settings, no_jobs):
    purposes = {}
    for service, needs, cost in (
        ("LOCAL", [], "Free, on this computer"),
        ("COMFYUI", ["Needs ComfyUI running"], "Free"),
        ("CSM", ["Needs a CSM server of your own"], "Costs credits"),
        ("MESHY", ["Needs a paid plan at meshy.ai"], "30 credits a model"),
    ):
        settings.service = service
        purposes[service], *said = lines(sidebar)
        assert said == [*needs, cost]
    assert all(purposes.values()) and purposes["LOCAL"] != purposes["COMFYUI"] != purposes["CSM"]
    settings.service, settings.meshy.should_texture = "MESHY", False
    assert lines(sidebar)[-1] == "20 credits a model"


def test_the_time_that_a_service_usually_takes_comes_from_the_users_own_jobs(sidebar, settings, make_job, session):
    for took_s in (180.0, 170.0, 900.0, 0.0):  # the last is not known
        make_job(service="csm", took_s=took_s)
    session.tick()
    settings.service = "CSM"
    assert lines(sidebar)[-1] == "Costs credits, usually 3 min"
    settings.service = "LOCAL"
    assert "usually" not in lines(sidebar)[-1]


def test_only_the_newest_jobs_say_how_long_it_takes(extension):
    usual = extension.module("session.usual")
    made = usual.Usual()
    assert made.seconds("local") is None
    numbers = range(3 * usual.AT_MOST)
    for number in reversed(numbers):  # as jobs are read: the newest first
        made.note(SimpleNamespace(id=f"{number:04}", service="local", took_s=9.0 if number in numbers[-20:] else 700.0))
    assert made.seconds("local") == 9.0
    made.note(SimpleNamespace(id="9999", service="local", took_s=8.0))
    assert made.seconds("local") == 9.0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, ""), (0.2, "1 s"), (8.4, "8 s"), (59.6, "1 min"), (200, "3 min"), (3590, "1 h"), (7300, "2 h")],
)
def test_a_usual_time_in_words(extension, seconds, said):
    assert extension.module("session.usual").words(seconds) == (f"usually {said}" if said else "")


# Recent pictures


def test_pictures_of_the_newest_jobs_are_offered_each_once(menu, sidebar, settings, make_job, session, star, tmp_path):
    paths = [str(path) for path in copies(star, tmp_path, *(f"Star {number}.png" for number in range(10)))]
    for path in (*paths, paths[0]):
        make_job(origins={"image_url": path, "back_image_url": str(star)})
    make_job()  # from a URL
    assert not [name for name, _ in drawn_by(sidebar.IMAGE_TO_3D_PT_generate) if name == "menu"]
    session.tick()
    asked = [asked["menu"] for name, asked in drawn_by(sidebar.IMAGE_TO_3D_PT_generate) if name == "menu"]
    assert asked == ["IMAGE_TO_3D_MT_recent"]
    os.remove(paths[8])
    newest_first = [paths[0], paths[9], *paths[7:1:-1]]
    drawn = drawn_by(menu)
    assert operators(drawn) == [("image_to_3d.choose_picture", {"filepath": path}) for path in newest_first[:8]]
    assert words(drawn).startswith("Star 0.png Star 9.png")
    for path in paths:
        if os.path.exists(path):
            os.remove(path)
    session.current.previews.close()
    assert not operators(drawn_by(menu)) and words(drawn_by(menu)) == "The pictures of the last jobs are gone"


def test_a_picture_stays_among_the_recent_ones_however_often_another_is_used(extension):
    made = extension.module("session.recent").Recent()

    def note(number, path):
        made.note(SimpleNamespace(id=f"{number:06}", service="meshy", origins={"image_url": path}))

    for number in range(3000, 0, -1):  # as jobs are read: the newest first
        note(number, "/often.png" if number > 100 else f"/{number}.png")
    assert made.paths()[:3] == ["/often.png", "/100.png", "/99.png"]
    note(3001, "/new.png")
    assert made.paths()[:2] == ["/new.png", "/often.png"]
    note(3002, "/half \ud83d.png")  # which no menu can show
    assert made.paths()[0] == "/new.png"


# The file browser, and drops


def test_where_no_file_is_chosen_a_button_leads_to_one(sidebar, settings):
    def offers():
        return [
            name for name, _ in operators(drawn_by(sidebar.IMAGE_TO_3D_PT_generate)) if name.endswith("choose_picture")
        ]

    assert offers() == ["image_to_3d.choose_picture"]
    settings.filepath = "/a.png"
    assert offers() == []
    settings.source, settings.filepath = "URL", ""
    assert offers() == []


def test_a_chosen_picture_is_set_and_no_job_is_started(settings, session, no_jobs, star):
    settings.source = "URL"
    assert bpy.ops.image_to_3d.choose_picture(filepath=str(star)) == {"FINISHED"}
    assert (settings.source, settings.filepath) == ("FILE", str(star))
    session.tick()
    assert session.jobs() == []


def test_of_several_dropped_pictures_the_first_is_chosen(settings, star, tmp_path, capfd):
    copies(star, tmp_path, "A.png", "B.png")
    bpy.ops.image_to_3d.choose_picture(directory=str(tmp_path), files=[{"name": "A.png"}, {"name": "B.png"}])
    assert settings.filepath == str(tmp_path / "A.png")
    assert "drop several on the 3D View" in capfd.readouterr().out


@pytest.mark.parametrize(("name", "why"), [("", "choose a picture file"), ("a.txt", "a.txt is no picture")])
def test_what_is_no_picture_is_not_chosen(settings, tmp_path, name, why):
    with pytest.raises(RuntimeError, match=why):
        bpy.ops.image_to_3d.choose_picture(filepath=str(tmp_path / name))
    assert settings.filepath == ""


def test_everywhere_the_same_endings_are_offered(extension):
    endings = extension.module("api.sources").ENDINGS
    assert {".jfif", ".jp2", ".gif", ".psd", ".heic", ".avif"} <= set(endings)
    for handler in (bpy.types.IMAGE_TO_3D_FH_chosen, bpy.types.IMAGE_TO_3D_FH_pictures):
        assert handler.bl_file_extensions.split(";") == list(endings)
    for operator in (bpy.ops.image_to_3d.choose_picture, bpy.ops.image_to_3d.generate_from_files):
        shown = operator.get_rna_type().properties["filter_glob"].default
        assert shown.split(";") == [f"*{ending}" for ending in endings]
        assert len(shown) < 256  # which is what Blender's file browser keeps of it (4.2 to 5.2)


@pytest.mark.parametrize("name", ["pic.jfif", "pic.heic", "photo", "photo.picture", "photo.txt"])
def test_a_picture_is_chosen_by_its_ending_or_its_content(settings, star, tmp_path, name):
    shutil.copy(star, tmp_path / name)
    assert bpy.ops.image_to_3d.choose_picture(filepath=str(tmp_path / name)) == {"FINISHED"}
    assert (settings.source, settings.filepath) == ("FILE", str(tmp_path / name))


def test_a_text_without_an_ending_is_not_chosen(settings, tmp_path):
    (tmp_path / "notes").write_text("this is no picture")
    with pytest.raises(RuntimeError, match=r"notes is no picture: choose one of \.png"):
        bpy.ops.image_to_3d.choose_picture(filepath=str(tmp_path / "notes"))
    assert settings.filepath == ""


def test_what_is_chosen_may_be_pasted(settings, star):
    bpy.ops.image_to_3d.choose_picture(filepath=f'"{star}" ')
    assert (settings.source, settings.filepath) == ("FILE", str(star))
    bpy.ops.image_to_3d.choose_picture(filepath="HTTPS://example.org/a fox.png")
    assert (settings.source, settings.url) == ("URL", "https://example.org/a%20fox.png")


@pytest.mark.parametrize("source", ["FILE", "URL"])
@pytest.mark.parametrize("form", ["{}", '"{}"', " file://{}"])
def test_the_preview_shows_a_path_that_was_pasted_in_either_field(
    sidebar, settings, session, star, tmp_path, source, form
):
    path = shutil.copy(star, tmp_path / "star.png")
    settings.source = source
    setattr(settings, {"FILE": "filepath", "URL": "url"}[source], form.format(path))
    drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    assert session.current.previews.is_there(str(path))


@pytest.mark.parametrize("field", ["filepath", "url"])
def test_an_address_in_either_field_needs_online_access(sidebar, settings, field):
    settings.source = {"filepath": "FILE", "url": "URL"}[field]
    setattr(settings, field, ' "HTTPS://example.org/fox.png"')
    assert "online" in words(drawn_by(sidebar.IMAGE_TO_3D_PT_generate)).lower()


@pytest.mark.parametrize(
    ("kind", "region", "tab", "chooses", "generates"),
    [
        ("VIEW_3D", "UI", "Image to 3D", True, False),
        ("VIEW_3D", "UI", "Item", False, False),
        ("VIEW_3D", "UI", None, True, False),  # Blender 4.2 does not tell
        ("VIEW_3D", "WINDOW", None, False, True),
        ("IMAGE_EDITOR", "UI", "Image to 3D", False, False),
        ("IMAGE_EDITOR", "WINDOW", None, False, False),
    ],
)
def test_a_picture_dropped_on_the_tab_is_chosen(extension, kind, region, tab, chooses, generates):
    region = SimpleNamespace(type=region, **({"active_panel_category": tab} if tab else {}))
    context = SimpleNamespace(area=SimpleNamespace(type=kind), region=region)
    assert bpy.types.IMAGE_TO_3D_FH_chosen.poll_drop(context) is chooses
    assert bpy.types.IMAGE_TO_3D_FH_pictures.poll_drop(context) is generates


# The preview


def until_shown(clock, look):
    """Look until nothing is new; return whether something was."""
    was_new = False
    for _ in range(20):
        clock.now_s += 3
        is_new = look()
        was_new = was_new or is_new
    assert not is_new
    return was_new


def test_the_icon_of_the_chosen_file_is_made_anew_when_the_file_changes(previews, clock, star, tmp_path):
    picture = tmp_path / "star.png"

    def look():
        return until_shown(clock, lambda: previews.look_at([str(picture)], []))

    assert not look() and not previews.is_there(str(picture))
    shutil.copy(star, picture)
    os.utime(picture, ns=(THE_PAST_NS, THE_PAST_NS))
    assert look()
    assert previews.is_there(str(picture)) and not look()
    os.utime(picture, ns=(THE_PAST_NS, THE_PAST_NS + 5 * SECOND_NS))
    assert look() and not look()
    picture.unlink()
    assert look() and not previews.is_there(str(picture)) and not look()


def test_a_folder_that_is_slow_to_answer_is_asked_seldom(extension, star, tmp_path):
    now_s = iter(range(100_000))  # each look at the clock takes a second, and so does each at the folder
    previews = extension.module("session.previews").Previews(clock=lambda: next(now_s))
    picture = tmp_path / "star.png"
    assert not previews.look_at([str(picture)], [])
    shutil.copy(star, picture)
    os.utime(picture, ns=(THE_PAST_NS, THE_PAST_NS))
    assert not any(previews.look_at([str(picture)], []) for _ in range(90))
    assert any(previews.look_at([str(picture)], []) for _ in range(20))


def test_where_one_folder_is_slow_a_menu_of_pictures_asks_for_no_other_until_later(extension, star, tmp_path):
    seconds = [0.0, 2.0, 3.0, 150.0, 202.0, 202.0]
    previews = extension.module("session.previews").Previews(clock=lambda: seconds.pop(0))
    assert not previews.is_there(str(tmp_path / "gone.png"))  # after two seconds
    assert not previews.is_there(str(star)) and not previews.is_there(str(star))
    assert previews.is_there(str(star))
    previews.close()


def test_the_icon_of_the_chosen_image_is_made_anew_when_the_image_changes(previews, clock):
    image = bpy.data.images.new("Painted", 4, 4)

    def look():
        return until_shown(clock, lambda: previews.look_at([], [image]))

    assert look() and not look()
    image.pixels[0] = 0.5  # which has not been saved
    assert look() and not look()
    image.update_tag()  # as a stroke and Image > Reload have it
    bpy.context.view_layer.update()
    assert look() and not look()


def test_the_icon_of_each_further_picture_is_made_anew_too(previews, clock, star, tmp_path):
    images = [bpy.data.images.new(name, 4, 4) for name in ("Front", "Back")]
    files = [str(tmp_path / f"{name}.png") for name in ("left", "right")]

    def look():
        return until_shown(clock, lambda: previews.look_at(files, images))

    assert look() and not look()
    images[1].pixels[0] = 0.5
    assert look() and not look()
    for path in files:
        shutil.copy(star, path)
        os.utime(path, ns=(THE_PAST_NS, THE_PAST_NS))
        assert look() and previews.is_there(path) and not look()


def test_nobody_listens_to_images_after_the_end(extension, previews, clock):
    handlers = bpy.app.handlers.depsgraph_update_post
    before = len(handlers)
    previews.look_at([], [bpy.data.images.new("Painted", 4, 4)])
    assert len(handlers) == before + 1
    previews.close()
    assert len(handlers) == before
