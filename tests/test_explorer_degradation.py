"""The degradation scrubber: its numbers are those of the stored runs, and it serves mouse, keyboard and screen
reader.
"""

import math
import statistics

import pytest
from axe_playwright_python.sync_playwright import Axe

from resnet_lib.degradation import stored_runs
from resnet_lib.explorers.degradation import degradation_explorer

RULES_OF_WHOLE_PAGES = ("region", "page-has-heading-one", "landmark-one-main")


def rows(page):
    return [row.inner_text().split("\t") for row in page.locator(".rx tbody tr").all()]


def test_bands_and_heights_are_right_for_all_runs(explorer_page):
    page = explorer_page(degradation_explorer())
    runs = stored_runs()
    depths = sorted({run.depth for run in runs})
    expected, cases = [], 0
    for kind in ("plain", "residual"):
        for index, depth in enumerate(depths):
            chosen = [run.curve for run in runs if (run.kind, run.depth) == (kind, depth)]
            for point, values in enumerate(zip(*chosen, strict=True)):
                share = [math.log(max(v, 1e-3) / 1e-3) / math.log(4 / 1e-3) for v in values]
                heights = [12 + (1 - s) * (340 - 12 - 44) for s in share]
                summary = [min(values), statistics.median(values), max(values)]
                expected.append((kind, index, point, list(values), summary + heights))
                cases += len(summary) + len(heights)
    assert cases >= 2000
    got = page.evaluate(
        """cases => {
            const explorer = document.querySelector(".rx").explorer;
            return cases.map(([kind, index, point, values]) =>
                [...explorer.band(kind, index)[point], ...values.map(explorer.height)]);
        }""",
        [case[:4] for case in expected],
    )
    for case, numbers in zip(expected, got, strict=True):
        assert numbers == pytest.approx(case[4], rel=1e-9)


def test_the_table_shows_the_chosen_depth(explorer_page):
    page = explorer_page(degradation_explorer(depth=20))
    finals = [r.final_loss for r in stored_runs() if (r.kind, r.depth) == ("plain", 20)]
    name, low, middle, high = rows(page)[0]
    assert name == "plain-20"
    assert [float(low), float(middle), float(high)] == pytest.approx(
        [min(finals), statistics.median(finals), max(finals)], rel=0.02
    )


def test_mouse_and_keyboard_change_the_depth_and_the_address(explorer_page):
    page = explorer_page(degradation_explorer(depth=20))
    page.get_by_role("button", name="deeper").click()
    assert rows(page)[1][0] == "residual-32"
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    assert rows(page)[0][0] == "plain-56"
    assert page.get_by_role("button", name="deeper").is_disabled()
    assert "56 layers" in page.get_by_role("slider").get_attribute("aria-valuetext")
    assert "plain 1." in page.get_by_role("status").inner_text()
    assert page.evaluate("location.hash") == "#degradation=depth.56"


@pytest.mark.parametrize("address", ["depth.14", "depth.15", "depth.x", ""])
def test_the_address_sets_the_depth(explorer_page, site, address):
    page = explorer_page(degradation_explorer())
    page.goto(f"{site}/book/07-why-residual.html#degradation={address}")
    chosen, depths, start = page.evaluate(
        """() => {
            const section = document.querySelector("[data-explorer=degradation]");
            const data = JSON.parse(section.querySelector("script[type='application/json']").textContent);
            return [section.explorer.chosen(), data.depths, data.start];
        }"""
    )
    assert depths[start] != 14
    assert chosen == (14 if address == "depth.14" else depths[start])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible_and_fits_a_phone(explorer_page, theme):
    page = explorer_page(degradation_explorer(), width=360)
    page.evaluate("theme => document.documentElement.setAttribute('data-theme', theme)", theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    found = [
        violation["id"]
        for violation in Axe().run(page).response["violations"]
        if violation["id"] not in RULES_OF_WHOLE_PAGES
    ]
    assert found == []


def test_without_scripts_the_picture_stays(explorer_page):
    page = explorer_page(degradation_explorer(), java_script_enabled=False)
    still = page.locator(".rx-still img")
    assert still.is_visible() and "plain-56 1." in still.get_attribute("alt")


def test_a_depth_that_was_not_trained_is_refused():
    with pytest.raises(ValueError, match="8, 14, 20, 32, 44, 56, not 18"):
        degradation_explorer(18)
