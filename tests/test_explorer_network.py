"""The network explorer: its arithmetic against the library's, and its use by mouse, keyboard, address and without
script.
"""

import functools
import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from helpers import DEPTHS, change_address, without_numbers

from resnet_lib import IMAGENET_RESNETS, ResidualBottleNeck, layer_costs, output_size
from resnet_lib.explorers.network import network_explorer

SIZES = (32, 33, 97, 224, 511)
made = functools.cache(network_explorer)  # the same for all tests
EXPLORER = "document.querySelector('[data-explorer=network]').explorer"


def network(depth, stride):
    """The network, for its shapes alone; "1x1" has the stride of each bottleneck in its first 1×1."""
    model = without_numbers(IMAGENET_RESNETS[depth])
    for block in model.modules():
        if stride == "1x1" and isinstance(block, ResidualBottleNeck):
            block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)
    return model


def state(page):
    return page.evaluate(f"{EXPLORER}.state()")


def summary(page):
    return page.locator(".rx-body > .rx-message").inner_text()


@pytest.fixture
def page(explorer_page):
    return explorer_page(made(50))


class TestArithmetic:
    def test_every_layer_equals_the_library(self, page):
        """Name, kind, shape, parameters, multiply-adds and field of each layer of each network: more than 2,000
        cases.
        """
        settings, expected = [], []
        for depth in DEPTHS:
            for stride in ("3x3", "1x1"):
                model = network(depth, stride)
                for size in SIZES:
                    settings.append({"depth": depth, "size": size, "stride": stride})
                    expected.append(
                        [
                            [c.name, c.kind, list(c.output_shape), c.parameters]
                            + [c.multiply_adds, c.receptive_field]
                            for c in layer_costs(model, (3, size, size))
                        ]
                    )
        found = page.evaluate(
            f"""settings => settings.map((setting) => {EXPLORER}.compute(setting).flatMap(
                (block) => block.layers.map((layer) => [
                (block.part.startsWith("layer") ? block.name + "." : "") + layer.name, layer.kind,
                layer.kind === "AdaptiveAvgPool2d" ? [layer.outChannels, 1, 1] : layer.shape,
                layer.parameters, layer.multiplyAdds, layer.field])))""",
            settings,
        )
        assert sum(map(len, expected)) >= 2_000
        for setting, ours, theirs in zip(settings, expected, found, strict=True):
            assert theirs == ours, setting

    def test_sizes_at_every_input_size(self, page):
        """The size after each part, for every input size that can be chosen, with both places of the stride."""
        sizes = list(range(32, 513))
        expected = []
        for size in sizes:
            reached = output_size(output_size(size, 7, 3, 2), 3, 1, 2)
            chain = [reached, reached]
            for _ in ("layer2", "layer3", "layer4"):
                chain.append(output_size(chain[-1], 3, 1, 2))
            expected.append(chain)
        for depth, stride in ((18, "3x3"), (50, "3x3"), (50, "1x1")):
            found = page.evaluate(
                f"""([sizes, depth, stride]) => sizes.map((size) => {{
                    const blocks = {EXPLORER}.compute({{ depth, size, stride }});
                    const parts = ["stem", "layer1", "layer2", "layer3", "layer4"];
                    return parts.map((part) => blocks.filter((block) => block.part === part).at(-1).shape[2]);
                }})""",
                [sizes, depth, stride],
            )
            assert found == expected

    def test_the_numbers_of_the_paper(self, page):
        """The switch moves ResNet-50 from 4.09 to 3.86 ×10⁹, and its receptive field from 427 to 483."""
        before, after = (
            page.evaluate(f"{EXPLORER}.costs({{ depth: 50, size: 224, stride: '{stride}' }})")
            for stride in ("3x3", "1x1")
        )
        assert (before["multiplyAdds"], before["field"]) == (4_089_184_256, 427)
        assert (after["multiplyAdds"], after["field"]) == (3_857_973_248, 483)
        assert before["parameters"] == after["parameters"] == 25_557_032
        assert before["blocks"] == 16


class TestUse:
    def test_the_switch(self, page):
        assert "4.09 ×10⁹ multiply-adds (4,089,184,256)" in summary(page)
        page.get_by_label("Stride of 2 in a bottleneck").select_option("1x1")
        assert summary(page).startswith(
            "ResNet-50 at 224×224: 25,557,032 parameters, 3.86 ×10⁹"
        )
        assert "sees 483×483 pixels" in summary(page) and "4.09 ×10⁹" in summary(page)

    def test_basic_blocks_have_no_such_switch(self, explorer_page):
        page = explorer_page(made(18))
        before = summary(page)
        page.get_by_label("Stride of 2 in a bottleneck").select_option("1x1")
        assert summary(page) == before and "changes nothing" in before

    def test_mouse(self, page):
        """A click on a block shows its layers, a click on a layer its formulas."""
        page.get_by_role("button", name="layer3.5", exact=True).click()
        assert page.get_by_role("table").locator("tbody tr").count() == 9
        page.get_by_role("button", name="conv3", exact=True).click()
        assert page.get_by_text("1·1 · 256 · 1024 = 262,144").is_visible()
        assert page.get_by_text("262,144 · 14·14 = 51,380,224").is_visible()
        pressed = page.locator('.rx-body [aria-pressed="true"]')
        assert pressed.evaluate_all("all => all.map((one) => one.dataset.key)") == [
            "layer3.5",
            "layer conv3",
        ]

    def test_keyboard(self, page):
        """Tab reaches the blocks as one stop, the arrows go from block to block, Enter chooses a layer; the focus
        stays.
        """
        page.locator('.nx-block[tabindex="0"]').focus()
        assert page.locator('.nx-block[tabindex="0"]').count() == 1
        focused = "document.activeElement.dataset.key"
        for key, block in (
            ("ArrowRight", "layer2.1"),
            ("ArrowUp", "layer2.0"),
            ("ArrowLeft", "layer1.2"),
            ("End", "head"),
            ("ArrowDown", "head"),
            ("Home", "stem"),
        ):
            page.keyboard.press(key)
            assert page.evaluate(focused) == block
            assert state(page)["block"] == block.replace(".", "-")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate(focused) == "layer batchnorm1"
        assert state(page)["layer"] == "batchnorm1"

    def test_two_depths_side_by_side(self, page):
        table = page.get_by_role("region", name="Comparison of two networks")
        assert not table.is_visible()
        page.get_by_label("Compare with").select_option("101")
        rows = dict(
            row.split("\t", 1) for row in table.locator("tbody").inner_text().splitlines()
        )
        assert rows["multiply-adds, ×10⁶"] == "4,089.18\t7,801.41\t× 1.91"
        assert rows["parameters, ×10⁶"] == "25.56\t44.55\t× 1.74"
        assert rows["blocks"] == "16\t33\t× 2.06"
        page.get_by_label("Compare with").select_option("moved")
        assert "3,857.97\t× 0.94" in table.inner_text()

    def test_the_result_is_spoken(self, page):
        page.get_by_label("Network", exact=True).select_option("152")
        status = page.get_by_role("status")
        status.get_by_text("ResNet-152 at 224×224: 60,192,808 parameters, 11.51").wait_for(
            state="attached"
        )

    @pytest.mark.parametrize(
        ("typed", "size"),
        [("9999", 512), ("-7", 32), ("0", 32), ("97.4", 97), ("1e2", 100), ("300", 300)],
    )
    def test_typed_nonsense(self, page, typed, size):
        field = page.get_by_label("Input size I", exact=True)
        field.fill("")
        field.press_sequentially(typed)
        field.press("Tab")
        assert state(page)["size"] == size and field.input_value() == str(size)
        assert f"at {size}×{size}" in summary(page)


class TestAddress:
    def test_round_trip(self, page):
        """What the address says after a change brings the same setting back."""
        page.get_by_label("Network", exact=True).select_option("101")
        page.get_by_label("Compare with").select_option("18")
        page.get_by_role("button", name="layer3.22", exact=True).click()
        page.get_by_role("button", name="conv1", exact=True).click()
        wanted, address = state(page), page.evaluate("location.hash")
        assert wanted | {"block": "layer3-22", "layer": "conv1", "depth": "101"} == wanted
        page.get_by_label("Network", exact=True).select_option("34")
        assert state(page)["block"] == "layer3-5"  # there is no 22, so the last of the stage
        change_address(page, address.removeprefix("#"))
        assert state(page) == wanted

    @pytest.mark.parametrize(
        "address",
        [
            "depth.51,size.huge,stride.5x5,with.me,block.layer9-1,layer.none",
            "depth,size.,=&network",
            "size.-1,block.__proto__,with.constructor,layer.-",
        ],
    )
    def test_bad_values_are_put_right(self, page, address):
        change_address(page, f"network={address}")
        settled = state(page)
        assert settled["depth"] == "50" and settled["stride"] == "3x3"
        assert settled["with"] == "none" and 32 <= settled["size"] <= 512
        assert page.locator('.rx-body [aria-pressed="true"]').count() == 2


class TestEverywhere:
    @pytest.mark.parametrize("depth", (18, 152))
    def test_phone(self, explorer_page, depth):
        """At 360 pixels only the table of layers scrolls, inside its box; blocks are large enough for fingers, words
        for eyes.
        """
        page = explorer_page(made(depth), width=360)
        page.get_by_label("Compare with").select_option("50")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        table = page.get_by_role("region", name="Comparison of two networks")
        assert table.evaluate("box => box.scrollWidth <= box.clientWidth")
        sides = page.locator(".rx-body button").evaluate_all(
            "all => all.flatMap((one) => [one.offsetWidth, one.offsetHeight])"
        )
        assert min(sides) >= 32
        sizes = page.locator(".rx-body *").evaluate_all(
            "all => all.map((one) => parseFloat(getComputedStyle(one).fontSize))"
        )
        assert min(sizes) >= 11

    @pytest.mark.parametrize("theme", ("light", "dark"))
    @pytest.mark.parametrize("width", (360, 900))
    def test_accessibility(self, explorer_page, theme, width):
        page = explorer_page(made(50), width=width)
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        page.get_by_label("Compare with").select_option("152")
        ground = page.locator(".rx").evaluate("one => getComputedStyle(one).backgroundColor")
        assert ground == {"light": "rgb(251, 250, 246)", "dark": "rgb(23, 27, 35)"}[theme]
        off = {
            rule: {"enabled": False}
            for rule in ("region", "page-has-heading-one", "landmark-one-main")
        }
        found = Axe().run(page, options={"rules": off})
        assert not found.response["violations"], found.generate_report()

    def test_paper(self, page):
        """In print the blocks and layers stay, and the controls go."""
        page.emulate_media(media="print")
        assert page.locator(".nx-block").first.is_visible()
        assert not page.get_by_label("Compare with").is_visible()

    def test_without_script(self, explorer_page):
        """The still picture, and its numbers in its text."""
        page = explorer_page(made(50), java_script_enabled=False)
        picture = page.get_by_role("img")
        assert picture.is_visible()
        text = picture.get_attribute("alt")
        assert "4,089,184,256 multiply-adds" in text and "layer3, 6 blocks: 1024×14×14" in text


class TestPython:
    def test_start(self, explorer_page):
        """The depth that was asked for, among the same data."""
        assert state(explorer_page(made(34)))["depth"] == "34"
        assert "ResNet-34 at 224×224" in made(34).still.alt

    def test_still_tells_of_the_moved_stride(self):
        """As the switch would, where there are bottlenecks."""
        moved = (
            "Stride of 2 in the first 1×1: 3.86 ×10⁹ multiply-adds, layer4 sees 483×483 pixels"
        )
        assert made(50).still.alt.endswith(moved) and "first 1×1" not in made(34).still.alt

    def test_small(self):
        """The output of a cell stays under 150 kB, and is the same each time."""
        html = network_explorer(152).html()
        assert len(html.encode()) < 150_000 and html == network_explorer(152).html()
        assert json.loads(json.dumps(network_explorer().data))["depth"] == 50

    @pytest.mark.parametrize("depth", (20, "50", None, [50]))
    def test_unknown_depth(self, depth):
        with pytest.raises(ValueError, match="18, 34, 50, 101, 152"):
            network_explorer(depth)
