"""The explorer of chapter 1 in a real browser: its arithmetic against the library, and everything a reader can do with
it.
"""

import functools
import re
from fractions import Fraction
from itertools import product

import pytest
import run_notebooks
from axe_playwright_python.sync_playwright import Axe
from helpers import change_address
from nbformat.v4 import new_output

from resnet_lib import output_size, resnet50, trace, unused_pixels
from resnet_lib.explorers.output_size import EXAMPLES, LAYERS, LIMITS, output_size_explorer

SECTION = '[data-explorer="output_size"]'
# Small settings of all kinds, and the highest values of every control.
SETTINGS = [
    *product(range(1, 25), range(1, 9), range(0, 4), range(1, 5)),
    *product((55, 56, 112, 223, 224, 256), (1, 2, 3, 7, 15), (0, 1, 3, 8), (1, 2, 3, 8)),
]


@functools.cache
def explorer():
    """The explorer, whose still picture is drawn once for all tests."""
    made = output_size_explorer()
    text = made.html()
    made.html = lambda: text
    return made


@pytest.fixture
def show(explorer_page):
    """A function that shows the explorer with a setting in the page's address, as I.8,K.3."""

    def at(setting="", **options):
        page = explorer_page(explorer(), **options)
        if setting:
            change_address(page, f"output_size={setting}")
        return page

    return at


def field(page, name):
    """The field of a control, by its name or its letter."""
    name = re.compile(f" {name}$") if len(name) == 1 else name
    return page.get_by_role("spinbutton", name=name)


def said(page):
    """All words of the explorer but the status for screen readers."""
    parts = page.locator(f"{SECTION} .rx-body > :not(.rx-visually-hidden)")
    return "\n".join(parts.all_inner_texts())


def result(page):
    return page.locator(f"{SECTION} .os-result").inner_text()


def lit(page):
    """Row and column of the output cell that is lit, counted from 1."""
    caption = page.locator(f"{SECTION} .os-caption").nth(1).inner_text()
    return tuple(map(int, re.search(r"row (\d+), column (\d+) is lit", caption).groups()))


def cells(page, kind):
    """How many cells of the input are drawn as of this kind."""
    return (page.locator(f"{SECTION} .os-{kind}").get_attribute("d") or "").count("M")


def by_library(input_size, kernel_size, padding, stride):
    free = input_size - kernel_size + 2 * padding
    try:
        size = output_size(input_size, kernel_size, padding, stride)
    except ValueError as error:
        return {
            "fits": False,
            "padded": input_size + 2 * padding,
            "free": free,
            "message": str(error),
        }
    exact = Fraction(free, stride) + 1
    return {
        "fits": True,
        "padded": input_size + 2 * padding,
        "free": free,
        "output": size,
        "unused": unused_pixels(input_size, kernel_size, padding, stride),
        "exact": [exact.numerator, exact.denominator],
    }


def test_arithmetic_is_that_of_the_library(show):
    computed = show().evaluate(
        """settings => { const { compute } = document.querySelector('[data-explorer]').explorer;
        return settings.map(([I, K, P, S]) => compute({ I, K, P, S })); }""",
        SETTINGS,
    )
    expected = [by_library(*setting) for setting in SETTINGS]
    assert len(SETTINGS) >= 2000 and sum(not case["fits"] for case in expected) >= 100
    wrong = [
        case for case in zip(SETTINGS, computed, expected, strict=True) if case[1] != case[2]
    ]
    assert not wrong, wrong[:3]


def test_positions_to_visit_are_the_first_and_last_and_no_others_twice(show):
    fitting = [setting for setting in SETTINGS if by_library(*setting)["fits"]]
    visited = show().evaluate(
        """settings => { const { shown } = document.querySelector('[data-explorer]').explorer;
        return settings.map(([I, K, P, S]) => shown({ I, K, P, S })); }""",
        fitting,
    )
    for setting, positions in zip(fitting, visited, strict=True):
        last = output_size(*setting) - 1
        assert positions[0] == 0 and positions[-1] == last, setting
        assert positions == sorted(set(positions)) and len(positions) <= 24, setting
        if setting[0] + 2 * setting[2] <= 20:  # drawn whole
            assert positions == list(range(last + 1)), setting


def test_settings_to_choose_are_layers_of_the_network(show):
    layers = {layer.name: layer for layer in trace(resnet50(), (1, 3, 224, 224))}
    for name, (_, setting) in LAYERS.items():
        module = layers[name].module
        values = [module.kernel_size, module.padding, module.stride]
        kernel, padding, stride = (v if isinstance(v, int) else v[0] for v in values)
        size = layers[name].input_shape[2]
        assert setting == {"I": size, "K": kernel, "P": padding, "S": stride}, name


def test_every_setting_that_can_be_chosen(show):
    page = show()
    for index, (_, setting) in enumerate([*EXAMPLES, *LAYERS.values()]):
        page.get_by_label("Setting").select_option(str(index))
        case = by_library(*setting.values())
        expected = f"O = {case['output']}" if case["fits"] else case["message"]
        assert expected in said(page)
        for letter, value in setting.items():
            assert field(page, letter).input_value() == str(value)
    field(page, "I").fill("100")
    assert page.get_by_label("Setting").input_value() == ""  # your own numbers


def test_range_of_the_controls(show):
    page = show()
    for letter, (lowest, highest) in LIMITS.items():
        assert field(page, letter).get_attribute("min") == str(lowest)
        assert field(page, letter).get_attribute("max") == str(highest)


@pytest.mark.parametrize("setting", [(8, 3, 1, 2), (9, 1, 0, 3), (7, 3, 0, 1), (10, 4, 2, 5)])
def test_hatched_are_the_pixels_left_over_and_dotted_those_passed_over(show, setting):
    image, kernel, padding, stride = setting
    page = show(f"I.{image},K.{kernel},P.{padding},S.{stride}")
    padded = image + 2 * padding
    starts = range(0, output_size(*setting) * stride, stride)
    read = {start + pixel for start in starts for pixel in range(kernel)}
    reach = padded - unused_pixels(*setting)
    assert cells(page, "lost") == padded**2 - reach**2
    assert cells(page, "passed") == reach**2 - len(read) ** 2
    assert cells(page, "pixels") == image**2
    assert cells(page, "padding") == padded**2 - image**2
    assert cells(page, "cells") == output_size(*setting) ** 2


def test_formula_with_the_numbers_the_fraction_and_the_floor(show):
    text = said(show("I.224,K.7,P.3,S.2"))
    for line in (
        "O = ⌊(224 − 7 + 2·3) / 2⌋ + 1",
        "O = ⌊223/2⌋ + 1 = 111 + 1",
        "O = 112",
        "223/2 + 1 = 225/2 = 112.5",
        "1 column and 1 row",
        "all of it padding",
        "223 mod 2 = 1",
        "Drawn in part: 211 rows and columns",
    ):
        assert line in text
    text = said(show("I.9,K.1,P.0,S.3"))
    assert "8/3 + 1 = 11/3 ≈ 3.667" in text and "of the image itself" in text
    text = said(show("I.7,K.3,P.0,S.1"))
    assert "nothing to round: 4/1 + 1 = 5" in text and "Nothing is left over" in text
    assert "2 of padding" not in text
    assert "1 of padding, 2 of the image" in said(show("I.7,K.1,P.1,S.5"))


def test_a_kernel_that_does_not_fit_is_explained_in_the_words_of_the_library(show):
    page = show()
    field(page, "Input size").fill("4")
    field(page, "Kernel size").fill("7")
    with pytest.raises(ValueError) as error:
        output_size(4, 7, 1, 2)
    assert f"ValueError: {error.value}" in said(page)
    assert "4 − 7 + 2·1 = −1 is below 0" in said(page)
    assert not page.get_by_role("button", name="Play").is_visible()
    field(page, "Padding").fill("2")
    assert result(page) == "O = 1"
    assert page.get_by_role("button", name="Play").is_visible()


def test_mouse_moves_the_window(show):
    page = show("I.8,K.3,P.1,S.2")
    assert lit(page) == (1, 1)
    hand = page.locator(f"{SECTION} .os-hand").bounding_box()
    x, y = hand["x"] + hand["width"] / 2, hand["y"] + hand["height"] / 2
    cell = hand["width"] / 3
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 2 * cell, y + 4 * cell, steps=4)
    assert lit(page) == (3, 2)
    page.mouse.move(x + 100 * cell, y + 100 * cell)
    page.mouse.up()
    assert lit(page) == (4, 4)
    page.mouse.move(x, y)  # not held any more
    assert lit(page) == (4, 4)
    page.mouse.click(x, y)
    assert lit(page) == (1, 1)
    output = page.locator(f"{SECTION} svg").nth(1).locator(".os-cells").bounding_box()
    page.mouse.click(output["x"] + output["width"] - 4, output["y"] + 4)
    assert lit(page) == (1, 4)


def test_touch_moves_the_window(show):
    page = show("I.5,K.1,P.0,S.2", has_touch=True, width=360)
    picture = page.locator(f"{SECTION} .os-pixels").bounding_box()
    page.touchscreen.tap(picture["x"] + picture["width"] - 5, picture["y"] + 5)
    assert lit(page) == (1, 3)
    hand = page.locator(f"{SECTION} .os-hand").bounding_box()
    assert hand["width"] >= 32 and hand["height"] >= 32


def test_everything_by_keyboard(show):
    page = show()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.labels[0].textContent") == "Setting"
    page.keyboard.press("ArrowDown")  # the next setting
    assert "does not fit" in said(page)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")  # the slider of I: 8 becomes 9
    assert result(page) == "O = 5"
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("16")
    assert result(page) == "O = 8"
    page.get_by_role("button", name="next position").focus()
    for _ in range(3):
        page.keyboard.press("Enter")
    assert lit(page) == (1, 4)
    page.get_by_role("button", name="one row down").press("Space")
    assert lit(page) == (2, 4)
    page.get_by_role("button", name="previous position").press("Enter")
    assert lit(page) == (2, 3)
    for _ in range(3):
        page.get_by_role("button", name="one row up").press("Enter")
    assert lit(page) == (1, 3)
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_steps_go_on_in_the_next_row_and_over_the_gap(show):
    page = show("I.224,K.7,P.3,S.2")
    forward = page.get_by_role("button", name="next position")
    visited = [lit(page)]
    for _ in range(4):
        forward.click()
        visited.append(lit(page))
    assert visited == [(1, 1), (1, 2), (1, 111), (1, 112), (2, 1)]
    page.get_by_role("button", name="previous position").click()
    assert lit(page) == (1, 112)


def test_play_visits_every_position_and_stops(show):
    page = show("I.5,K.3,P.0,S.2")
    page.clock.install()
    play = page.get_by_role("button", name="Play")
    play.click()
    pause = page.get_by_role("button", name="Pause")
    visited = []
    for _ in range(3):
        page.clock.run_for(600)
        visited.append(lit(page))
    assert visited == [(1, 2), (2, 1), (2, 2)]
    assert play.is_visible() and not pause.is_visible()
    page.clock.run_for(3000)
    assert lit(page) == (2, 2)
    play.click()  # again, from the start
    assert lit(page) == (1, 1)
    pause.click()
    page.clock.run_for(3000)
    assert lit(page) == (1, 1)
    play.click()
    page.clock.run_for(600)
    field(page, "Input size").fill("9")  # a change stops it
    at = lit(page)
    page.clock.run_for(3000)
    assert lit(page) == at and play.is_visible()


def test_motion_only_for_those_who_want_it(show):
    duration = "getComputedStyle(document.querySelector('.os-moving')).transitionDuration"
    assert show().evaluate(duration) == "0.2s"
    assert show(reduced_motion="reduce").evaluate(duration) == "0s"


@pytest.mark.parametrize(
    ("typed", "taken"),
    [("-5", "1"), ("0", "1"), ("99999", "256"), ("7.4", "7"), ("1e9", "256")],
)
def test_nonsense_that_is_typed_is_put_right(show, typed, taken):
    page = show()
    control = field(page, "Input size")
    control.fill(typed)
    control.press("Tab")
    assert control.input_value() == taken
    size = by_library(int(taken), 3, 1, 2)["output"]
    assert result(page) == f"O = {size}"
    note = page.locator(".rx-taken", has_text=f"{taken} is taken in place of {typed}.")
    assert "Whole numbers from 1 to 256" in note.text_content()
    control.fill("12")  # a good number takes the note away
    assert note.count() == 0
    page.get_by_role("slider", name="Stride").fill("3")
    assert page.locator(".rx-taken").all_text_contents() == [""] * 4


def test_an_empty_field_changes_nothing_while_someone_types(show):
    page = show()
    field(page, "Input size").fill("")
    field(page, "Input size").press("e")
    assert result(page) == "O = 4"
    field(page, "Input size").fill("12")
    assert result(page) == "O = 6"


def test_setting_stands_in_the_address_and_comes_back(show):
    page = show()
    assert page.evaluate("location.hash") == ""
    field(page, "Input size").fill("9")
    page.get_by_role("slider", name="Stride").fill("3")
    page.get_by_role("button", name="next position").click()
    address = page.evaluate("location.hash")
    assert address == "#output_size=I.9,K.3,P.1,S.3,row.1,column.2"
    again = show(address.removeprefix("#output_size="))
    assert said(again) == said(page)


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("I.x,K.3", (8, 3, 1, 2)),
        ("I.99999,S.0", (256, 3, 1, 1)),
        ("I.-4,K.,P.99,row.-7,column.99999", (1, 3, 8, 2)),
        ("I.7.5,K=3,nothing,__proto__.1", (8, 3, 1, 2)),
        ("I.1e3,row.NaN,column." + "9" * 400, (8, 3, 1, 2)),
    ],
)
def test_bad_values_in_the_address_are_put_right(show, setting, meant):
    page = show(setting)
    assert result(page) == f"O = {output_size(*meant)}"
    for letter, value in zip("IKPS", meant, strict=True):
        assert field(page, letter).input_value() == str(value)
    row, column = lit(page)
    assert 1 <= row <= output_size(*meant) and 1 <= column <= output_size(*meant)


def test_address_is_read_when_the_page_opens(browser):
    page = browser.new_page()
    body = f'<!doctype html><html lang="en"><title>x</title><body>{explorer().html()}'
    page.route(
        "http://book.test/**",
        lambda route: route.fulfill(body=body, content_type="text/html; charset=utf-8"),
    )
    page.goto("http://book.test/#output_size=I.224,K.7,P.3,S.2,row.112,column.2")
    assert result(page) == "O = 112" and lit(page) == (112, 2)
    page.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 900])
@pytest.mark.parametrize("setting", ["", "I.224,K.7,P.3,S.2", "I.6,K.7,P.0,S.2"])
def test_accessible_and_no_wider_than_the_page(show, setting, width, dark):
    page = show(setting, width=width)
    ground = page.evaluate("getComputedStyle(document.querySelector('.rx')).backgroundColor")
    if dark:
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        assert ground != page.evaluate(
            "getComputedStyle(document.querySelector('.rx')).backgroundColor"
        )
    assert page.evaluate("document.documentElement.scrollWidth") == width
    small = page.evaluate(
        """() => [...document.querySelectorAll('.rx-live svg text')]
        .map(text => text.getScreenCTM().a * parseFloat(text.getAttribute('font-size')))
        .filter(size => size < 11)"""
    )
    assert not small
    short = page.evaluate(
        """() => [...document.querySelectorAll('.rx button, .rx input, .rx select')]
        .filter(control => control.offsetParent && control.offsetHeight < 32).map(control => control.outerHTML)"""
    )
    assert not short
    rules = {
        name: {"enabled": False}
        for name in ("region", "page-has-heading-one", "landmark-one-main")
    }
    found = Axe().run(page, options={"rules": rules}).response["violations"]
    assert not found, [(hit["id"], hit["nodes"][0]["html"][:200]) for hit in found]


def test_screen_readers_hear_the_result_and_have_words_for_the_pictures(show):
    page = show()
    field(page, "Input size").fill("9")
    status = page.get_by_role("status")
    page.wait_for_function("document.querySelector('[role=status]').textContent")
    assert status.inner_text().startswith("Output 5 by 5. Nothing is left over")
    for name in ("Padded input: 9 + 2·1 = 11 pixels", "Output: 5 × 5"):
        assert page.get_by_role("img", name=name).is_visible()


def test_without_scripts_the_still_picture_and_its_numbers_stay(show):
    page = show(java_script_enabled=False)
    picture = page.get_by_role("img")
    assert picture.is_visible()
    for words in ("8 by 8 pixels with 1 of padding", "the output, 4 by 4", "hatched"):
        assert words in picture.get_attribute("alt")
    assert page.locator("button").count() == 0


def test_print_shows_the_picture_without_controls(show):
    page = show()
    page.emulate_media(media="print")
    assert not page.get_by_role("button", name="Play").is_visible()
    assert not field(page, "Input size").is_visible()
    assert page.locator(f"{SECTION} svg").first.is_visible()


def test_two_on_one_page_do_not_disturb_each_other(browser):
    page = browser.new_page()
    once = explorer().html()
    page.set_content(f'<!doctype html><html lang="en"><title>x</title><body>{once}{once}')
    first, second = page.locator(SECTION).all()
    first.get_by_role("spinbutton", name="Input size").fill("24")
    assert first.locator(".os-result").inner_text() == "O = 12"
    assert second.locator(".os-result").inner_text() == "O = 4"
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids)) == 12
    page.close()


def test_output_is_the_same_each_time_and_small():
    assert output_size_explorer().html() == output_size_explorer().html()
    assert len(output_size_explorer().html()) < 80_000


def test_script_and_picture_are_no_source_of_numbers_for_prose():
    output = new_output("display_data", explorer()._repr_mimebundle_())
    texts = "".join(run_notebooks.texts(output))
    for words in (explorer().still.alt, '"I":224', "the kernel does not fit"):
        assert words in texts
    for others in ("const ", "base64", "font-size"):
        assert others in explorer().html() and others not in texts
