"""The exercises whose lines are put in order, in the pages: by tap, by drag, by keyboard."""

import ast

import pytest
from arranging import LINES, arrangement
from playwright.sync_api import expect

from resnet_exercises.exercise import load


@pytest.mark.parametrize("name", LINES)
def test_lines_are_passed_and_failed_by_name(visit, name):
    exercise, lines = visit(name, has_touch=True), arrangement(name)
    exercise.button("Check").click()
    exercise.expect("not attempted")
    for number in sum(lines["solution"], []):
        exercise.free(number).tap()
    assert exercise.placed() == lines["solution"]
    exercise.button("Check").click()
    exercise.expect("passed")
    wrong = next(number for number, tile in enumerate(lines["tiles"]) if tile["wrong"])
    exercise.free(wrong).tap()  # it takes the place of the right one
    assert len(sum(exercise.placed(), [])) == len(sum(lines["solution"], []))
    exercise.button("Check").click()
    assert lines["tiles"][wrong]["wrong"].replace("`", "") in exercise.expect("failed")


def test_lines_by_keyboard_alone(visit):
    exercise, lines = visit("make_identity"), arrangement("make_identity")
    keys, (solution,) = exercise.page.keyboard, lines["solution"]
    exercise.free(solution[1]).focus()
    keys.press("Enter")
    exercise.free(solution[0]).focus()
    keys.press("Space")
    exercise.button("Up").last.focus()
    keys.press("Enter")
    assert exercise.placed() == [solution]
    assert exercise.page.evaluate("document.activeElement.dataset.move") == "Up"
    exercise.button("Check").focus()
    keys.press("Enter")
    exercise.expect("passed")
    exercise.button("Take out").first.focus()
    keys.press("Enter")
    assert exercise.placed() == [solution[1:]]


def test_lines_by_mouse(visit):
    exercise, lines = (
        visit("basic_block", viewport={"width": 1280, "height": 1600}),
        arrangement("basic_block"),
    )
    forward = lines["solution"][1]
    place = exercise.place.get_by_role("list", name="forward", exact=True)

    def drag(what, to, y):
        what.scroll_into_view_if_needed()
        what.hover()
        exercise.page.wait_for_function(
            "performance.getEntriesByType('resource').some(e => e.name.includes('sortable'))"
        )
        exercise.page.wait_for_timeout(300)
        exercise.page.mouse.down()
        box = to.bounding_box()
        exercise.page.mouse.move(box["x"] + 40, box["y"] + y)
        exercise.page.wait_for_timeout(300)
        exercise.page.mouse.move(box["x"] + 41, box["y"] + y)
        exercise.page.wait_for_timeout(300)
        exercise.page.mouse.up()
        exercise.page.wait_for_timeout(300)

    drag(exercise.free(forward[1]), place, 10)
    assert exercise.placed() == [[], forward[1:2]]
    drag(exercise.free(forward[0]), place, 4)
    assert exercise.placed() == [[], forward[:2]]
    drag(place.locator("li code").first, exercise.place.get_by_role("list", name="Lines"), 20)
    assert exercise.placed() == [[], forward[1:2]]


def test_lines_by_touch_also_after_the_page_was_scrolled(visit):
    exercise = visit("make_identity", has_touch=True, is_mobile=True)
    (solution,) = arrangement("make_identity")["solution"]
    for number in solution:
        exercise.free(number).tap()
    send = exercise.page.context.new_cdp_session(exercise.page).send
    line = exercise.place.get_by_role("list", name="make_identity").locator("li")

    def press_and_move(down: int, hold: int) -> None:
        exercise.page.wait_for_timeout(300)
        box = line.first.bounding_box()
        x, y = box["x"] + 20, box["y"] + 10
        send(
            "Input.dispatchTouchEvent",
            {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]},
        )
        exercise.page.wait_for_timeout(hold)
        for step in range(1, 11):
            points = [{"x": x, "y": y + down * step / 10}]
            send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
            exercise.page.wait_for_timeout(30)
        exercise.page.wait_for_timeout(200)
        send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        exercise.page.wait_for_timeout(300)

    press_and_move(-40, hold=0)  # a swipe, which scrolls
    assert exercise.placed() == [solution]
    press_and_move(130, hold=500)
    assert exercise.placed() == [solution[::-1]]


def test_lines_stay_and_can_be_copied_and_reset(visit, browser):
    exercise, lines = (
        visit("make_layer", permissions=["clipboard-read", "clipboard-write"]),
        arrangement("make_layer"),
    )
    for number in lines["solution"][0]:
        exercise.free(number).click()
    exercise.button("Copy code").click()
    code = exercise.page.evaluate("navigator.clipboard.readText()")
    assert ast.dump(ast.parse(code)) == ast.dump(ast.parse(load("make_layer").text))
    exercise.page.reload()
    assert exercise.placed() == lines["solution"]
    other = visit("make_layer", context=exercise.page.context)
    other.button("Take out").first.click()
    expect(exercise.place.get_by_text("in another tab")).to_be_visible()
    assert exercise.placed() == [lines["solution"][0][1:]]
    exercise.page.once("dialog", lambda dialog: dialog.accept())
    exercise.button("Reset").click()
    assert exercise.placed() == [[]]


def test_the_first_page_lets_the_reader_mend_a_block(visit, site):
    exercise = visit("basic_block")
    exercise.page.goto(f"{site}/book/index.html")
    box = exercise.place.bounding_box()
    assert box["y"] < 900
    exercise.button("Check").click()
    said = exercise.expect("failed")
    assert (
        "ReLU comes before the addition" in said
        and "Your lines compute relu(batchnorm2(" in said
    )
    exercise.place.get_by_role(
        "button", name="return self.relu(out + shortcut)", exact=True
    ).click()
    exercise.button("Check").click()
    exercise.expect("passed")
