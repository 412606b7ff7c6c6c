"""The block explorer: its arithmetic beside the library and beside broken blocks of PyTorch, and what readers do with
it.
"""

import functools
import itertools
import json
import re

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from helpers import without_numbers
from torch import nn

from resnet_lib import conv1x1, layer_costs
from resnet_lib.explorers.block import BLOCKS, block_explorer
from resnet_lib.resnet import ResNetBase

COMPUTE = """settings => {
  const { compute } = document.querySelector("[data-explorer=block]").explorer;
  return JSON.stringify(settings.map((setting) => {
    const { rows, branch, shortcut, output, error, reasons, block, parameters, multiplyAdds } = compute(setting);
    const projected = block.projection !== null;
    return { rows, branch, shortcut, output, error, reasons, projected, parameters, multiplyAdds };
  }));
}"""  # as text, which playwright hands over much faster than objects
ADDRESS = "http://explorer.test/"
# kind, in_channels, channels, stride, size: the first blocks of ResNet-18's and ResNet-50's stages at 224
FIRST_BLOCKS = [
    *[("basic", 64, 64, 1, 56), ("basic", 64, 128, 2, 56)],
    *[("basic", 128, 256, 2, 28), ("basic", 256, 512, 2, 14)],
    *[("bottleneck", 64, 64, 1, 56), ("bottleneck", 256, 128, 2, 56)],
    *[("bottleneck", 512, 256, 2, 28), ("bottleneck", 1024, 512, 2, 14)],
]


def setting_of(kind, in_channels, channels, stride, size, mistake="none"):
    """A setting as the script keeps it."""
    names = ("kind", "in", "channels", "stride", "size", "mistake")
    return dict(zip(names, (kind, in_channels, channels, stride, size, mistake), strict=True))


def projection(in_channels, out_channels, stride):
    return nn.Sequential(
        conv1x1(in_channels, out_channels, stride), nn.BatchNorm2d(out_channels)
    )


def first_block(kind, in_channels, channels, stride):
    """What the network itself makes of these numbers: the library's own condition decides on the projection."""
    network = ResNetBase.__new__(ResNetBase)
    network.in_channels = in_channels
    return network._make_layer(BLOCKS[kind], channels, 1, stride)[0]


def open_at(browser_page, explorer, fragment):
    """Shows the explorer on a page with an address that ends in ``fragment``."""
    page = f'<!doctype html><html lang="en"><title>explorer</title><body>{explorer.html()}</body></html>'
    browser_page.route(
        ADDRESS + "**",
        lambda route: route.fulfill(body=page, content_type="text/html; charset=utf-8"),
    )
    browser_page.goto("about:blank")  # else only the fragment changes, and nothing is loaded
    browser_page.goto(ADDRESS + fragment)
    return browser_page


def state_of(page):
    return page.evaluate("document.querySelector('[data-explorer=block]').explorer.state")


@pytest.fixture(scope="module")
def explorer():
    return block_explorer()


def test_the_presets_are_the_first_blocks_of_the_networks(explorer):
    keys = ("kind", "in", "channels", "stride", "size")
    presets = [tuple(preset[key] for key in keys) for preset in explorer.data["presets"]]
    assert presets == FIRST_BLOCKS
    assert block_explorer("bottleneck").data["start"] == "bottleneck"
    with pytest.raises(ValueError, match='"basic" or "bottleneck"'):
        block_explorer("plain")


def test_the_arithmetic_is_the_librarys(explorer, explorer_page):
    """Shape, parameters and multiply-adds of every layer, the sums, and where the shortcut is projected."""
    wide = (1, 3, 64, 128, 256, 2048)
    sizes = (1, 2, 3, 7, 14, 15, 28, 56, 57, 224)
    grid = itertools.product(BLOCKS, wide, (1, 16, 64, 128, 256, 512), (1, 2), sizes)
    grid = [
        *grid,
        *FIRST_BLOCKS,
        *itertools.product(BLOCKS, [24], range(1, 17), [1, 2], range(1, 17)),
    ]
    assert len(grid) > 2000
    settings = [setting_of(*case) for case in grid]
    found = json.loads(explorer_page(explorer).evaluate(COMPUTE, settings))

    blocks = {}
    for case, result in zip(grid, found, strict=True):
        kind, in_channels, channels, stride, size = case
        if case[:4] not in blocks:
            make = functools.partial(first_block, *case[:4])
            blocks[case[:4]] = without_numbers(make)
        block = blocks[case[:4]]
        costs = layer_costs(block, (in_channels, size, size))
        expected = {
            cost.name: [list(cost.output_shape), cost.parameters, cost.multiply_adds]
            for cost in costs
        }
        rows = {
            row["name"]: [row["shape"], row["parameters"], row["multiplyAdds"]]
            for row in result["rows"]
        }
        assert rows == expected, case
        assert result["parameters"] == sum(cost.parameters for cost in costs), case
        assert result["multiplyAdds"] == sum(cost.multiply_adds for cost in costs), case
        assert result["output"] == list(costs[-1].output_shape), case
        assert result["error"] is None and result["branch"] == result["shortcut"], case
        assert result["projected"] == (block.downsample is not None), case
        wider = in_channels != channels * block.expansion
        assert result["reasons"] == {"size": stride != 1, "channels": wider}, case


def broken_block(kind, in_channels, channels, stride, mistake):
    """A block of PyTorch with the mistake in it, built from the library's layers."""
    block = BLOCKS[kind](in_channels, channels, stride)
    out_channels = channels * block.expansion
    size, wider = stride != 1, in_channels != out_channels
    is_projected = {
        "no_projection": False,
        "only_stride": size,
        "only_channels": wider,
        "condition_without_expansion": size or in_channels != channels,
    }.get(mistake, size or wider)
    if is_projected:
        given_out = channels if mistake == "projection_without_expansion" else out_channels
        stepped = 1 if mistake == "projection_without_stride" else stride
        block.downsample = projection(in_channels, given_out, stepped)
    wide_kernels = [
        layer
        for layer in (block.conv1, block.conv2, getattr(block, "conv3", block.conv2))
        if layer.kernel_size == (3, 3)
    ]
    if mistake == "stride_twice":
        for layer in (block.conv1, block.conv2):
            layer.stride = (stride, stride)
    elif mistake == "no_padding":
        for layer in wide_kernels:
            layer.padding = (0, 0)
    elif mistake == "padded_1x1":
        block.conv1.padding = block.conv3.padding = (1, 1)
    elif mistake == "conv2_in_channels":
        old = block.conv2
        block.conv2 = nn.Conv2d(in_channels, channels, 3, old.stride, padding=1, bias=False)
    elif mistake == "conv3_without_expansion":
        block.conv3, block.batchnorm3 = conv1x1(channels, channels), nn.BatchNorm2d(channels)
    elif mistake == "norm3_without_expansion":
        block.batchnorm3 = nn.BatchNorm2d(channels)
    elif mistake == "paper_stride":
        block.conv1.stride, block.conv2.stride = (stride, stride), (1, 1)
    return block


def run_broken(block, in_channels, size):
    """The shapes (C, H, W) that the layers return, the shape of the result, and PyTorch's message if it stops."""
    shapes, hooks = {}, []
    for name, layer in block.named_modules():
        if not list(layer.children()):
            hooks.append(
                layer.register_forward_hook(
                    lambda layer, given, output, name=name: shapes.update(
                        {name: list(output.shape[1:])}
                    )
                )
            )
    try:
        output, message = list(block(torch.zeros(2, in_channels, size, size)).shape[1:]), None
    except RuntimeError as error:
        output, message = None, str(error)
    return shapes, output, message


BOTH = "no_projection only_stride only_channels projection_without_stride stride_twice no_padding conv2_in_channels"
BOTTLENECK = (
    "condition_without_expansion projection_without_expansion padded_1x1 conv3_without_expansion "
    "norm3_without_expansion paper_stride"
)
MISTAKES = {"basic": BOTH.split(), "bottleneck": [*BOTH.split(), *BOTTLENECK.split()]}


def test_mistakes_do_what_pytorch_does(explorer, explorer_page):
    """Each mistake in a real block: where PyTorch stops and what it says, or what comes out."""
    small = itertools.product((1, 2, 4), (1, 2), (1, 2), (1, 2, 3, 5, 8))
    cases = [(kind, *rest) for rest in small for kind in BLOCKS]
    cases += [case for case in FIRST_BLOCKS if case[2] <= 128]
    grid = [(*case, mistake) for case in cases for mistake in MISTAKES[case[0]]]
    page = explorer_page(explorer)
    names = page.evaluate("document.querySelector('[data-explorer=block]').explorer.mistakes")
    assert sorted(names) == sorted(MISTAKES["bottleneck"])
    found = json.loads(page.evaluate(COMPUTE, [setting_of(*case) for case in grid]))
    stopped = dict.fromkeys(names, 0)
    with torch.no_grad():
        for case, result in zip(grid, found, strict=True):
            kind, in_channels, channels, stride, size, mistake = case
            block = broken_block(kind, in_channels, channels, stride, mistake)
            shapes, output, message = run_broken(block, in_channels, size)
            assert (result["error"] or {}).get("text") == message, case
            assert result["output"] == output, case
            reached = {row["name"]: row["shape"] for row in result["rows"] if row["shape"]}
            assert reached == shapes, case
            assert result["parameters"] == sum(p.numel() for p in block.parameters()), case
            if message is None:
                costs = layer_costs(block, (in_channels, size, size))
                assert result["multiplyAdds"] == sum(c.multiply_adds for c in costs), case
            elif result["error"]["at"] != "sum":
                assert result["error"]["at"] not in shapes, case
            stopped[mistake] += message is not None
    silent = [mistake for mistake, times in stopped.items() if times == 0]
    assert silent == ["paper_stride"]


def test_the_first_words_say_whether_and_why_the_shortcut_is_projected(explorer, explorer_page):
    page = explorer_page(explorer)
    said = page.locator(".rx-message")
    picture = page.get_by_role("img")
    rows = page.get_by_role("group", name=re.compile("first block of"))
    for row, stage, words, way in (
        (0, "layer1", "x as it is: the size stays 56, the channels stay 64", "identity"),
        (0, "layer2", "because of size and channels (both reasons)", "projection for size and channels"),
        (1, "layer1", "because of channels (one of the two reasons is enough)", "projection for channels"),
        (1, "layer4", "the channels go from 1024 to 2048", "projection for size and channels"),
    ):  # fmt: skip
        button = rows.nth(row).get_by_role("button", name=stage)
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        labels = {
            "kind": "block",
            "in": "in_channels",
            "channels": "channels",
            "stride": "stride",
            "size": "size H = W",
        }
        for key, label in labels.items():
            shown = page.get_by_label(label, exact=True).input_value()
            assert shown == str(state_of(page)[key]), label
        assert words in said.inner_text()
        assert way in picture.get_attribute("aria-label")
    page.get_by_label("in_channels", exact=True).fill("2048")
    assert "because of size (one of the two reasons is enough)" in said.inner_text()
    assert "projection for size," in picture.get_attribute("aria-label")


def test_a_mistake_shows_the_two_shapes_at_the_sum_and_pytorchs_words(explorer, explorer_page):
    page = explorer_page(explorer)
    said = page.locator(".rx-message")
    mistake = page.get_by_role("button", name="without the stride")
    mistake.click()
    assert "nothing tells of the mistake" in said.inner_text()
    assert "layer2, layer3, layer4 of ResNet-18" in said.inner_text()
    page.get_by_role("button", name="layer2").first.click()
    assert "F(x) with 128 × 28 × 28 meets the shortcut with 128 × 56 × 56" in said.inner_text()
    assert page.locator(".rx-message code").inner_text() == (
        "RuntimeError: The size of tensor a (28) must match the size of tensor b (56) at non-singleton dimension 3"
    )
    assert page.locator("svg text", has_text="size 28 ≠ 56").count() == 1
    assert page.locator("svg text", has_text="not reached").count() == 2
    mistake.click()  # a second press takes it back
    assert page.locator(".rx-message code").count() == 0
    assert state_of(page)["mistake"] == "none"


def test_the_keyboard_is_enough(explorer, explorer_page):
    page = explorer_page(explorer)
    stage = page.get_by_role("button", name="layer2").first
    stage.focus()
    page.keyboard.press("Enter")
    assert state_of(page)["channels"] == 128
    never = page.get_by_role("button", name="never")
    never.focus()
    page.keyboard.press("Space")
    assert "64 × 56 × 56" in page.locator(".rx-message").inner_text()
    page.get_by_label("channels, slider", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert state_of(page)["channels"] == 129
    page.get_by_label("block", exact=True).focus()
    page.keyboard.press("ArrowDown")
    assert state_of(page)["kind"] == "bottleneck"
    spoken = page.get_by_role("status")
    page.wait_for_function("document.querySelector('[role=status]').textContent")
    assert "multiply-adds" in spoken.inner_text() and "RuntimeError" in spoken.inner_text()


@pytest.mark.parametrize(
    "typed, taken", [("-5", 1), ("0", 1), ("99999", 224), ("7.6", 8), ("1e9", 224)]
)
def test_what_is_typed_is_put_right(explorer, explorer_page, typed, taken):
    page = explorer_page(explorer)
    field = page.get_by_label("size H = W", exact=True)
    field.fill(typed)
    field.blur()
    assert state_of(page)["size"] == taken and field.input_value() == str(taken)


def test_an_empty_field_keeps_the_block(explorer, explorer_page):
    page = explorer_page(explorer)
    page.get_by_label("size H = W", exact=True).fill("")
    assert state_of(page)["size"] == 56


def test_the_address_holds_the_setting(explorer, explorer_page):
    page = open_at(explorer_page(explorer), explorer, "#other=a.1")
    page.get_by_role("button", name="layer3").last.click()
    page.get_by_role("button", name="conv3 without × 4").click()
    fragment = page.evaluate("location.hash")
    assert fragment.startswith("#other=a.1&block=")
    state = state_of(page)
    assert state == setting_of("bottleneck", 512, 256, 2, 28, "conv3_without_expansion")
    assert state_of(open_at(page, explorer, fragment)) == state
    assert page.get_by_label("block", exact=True).input_value() == "bottleneck"
    assert page.get_by_label("stride", exact=True).input_value() == "2"


@pytest.mark.parametrize(
    "fragment, state",
    [
        ("kind.constructor,in.0,channels.9999,stride.3,size.x,mistake.toString", setting_of("basic", 1, 512, 1, 56)),
        ("kind.basic,mistake.conv3_without_expansion", setting_of("basic", 64, 64, 1, 56)),
        ("kind.bottleneck,in.-7,stride.2,size.1e9", setting_of("bottleneck", 1, 64, 2, 224)),
        (",,=,..", setting_of("basic", 64, 64, 1, 56)),
    ],
)  # fmt: skip
def test_a_bad_address_is_put_right(explorer, explorer_page, fragment, state):
    page = open_at(explorer_page(explorer), explorer, f"#block={fragment}")
    assert state_of(page) == state


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "fragment",
    [
        "kind.basic,mistake.none",
        "kind.basic,in.2048,channels.512,stride.2,size.224,mistake.no_projection",
        "kind.bottleneck,in.2048,channels.512,stride.2,size.224,mistake.stride_twice",
        "kind.bottleneck,in.64,channels.64,stride.1,size.56,mistake.padded_1x1",
        "kind.bottleneck,in.256,channels.64,stride.1,size.56,mistake.condition_without_expansion",
    ],
)
def test_a_phone_shows_it_all_and_axe_finds_nothing(explorer, explorer_page, fragment, theme):
    page = open_at(explorer_page(explorer, width=360), explorer, f"#block={fragment}")
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    ground = page.evaluate("getComputedStyle(document.querySelector('.rx')).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) < 200) == (theme == "dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    font = """Math.min(...[...document.querySelectorAll(".rx svg text")]
      .map((text) => text.getScreenCTM().a * parseFloat(getComputedStyle(text).fontSize)))"""
    assert page.evaluate(font) >= 11
    table = "(box => box.scrollWidth - box.clientWidth)(document.querySelector('.rx-scroll'))"
    if (
        "2048" not in fragment
    ):  # such costs have up to 14 digits: they may scroll, in their own box
        assert page.evaluate(table) <= 0
    cut_off = """[...document.querySelectorAll(".rx svg text")].filter((text) => {
      const { x, width } = text.getBBox();
      return x < 0 || x + width > 330;
    }).map((text) => text.textContent)"""
    assert page.evaluate(cut_off) == []
    heights = """[...document.querySelectorAll(".rx button:not([hidden]), .rx select, .rx input[type=number]")]
      .map((target) => target.getBoundingClientRect().height)"""
    assert min(page.evaluate(heights)) >= 32
    rules = ("region", "page-has-heading-one", "landmark-one-main")  # of pages, not of parts
    found = Axe().run(page, options={"rules": {rule: {"enabled": False} for rule in rules}})
    assert not found.response["violations"], json.dumps(found.response["violations"])[:2000]


@pytest.mark.parametrize("kind", BLOCKS)
def test_without_scripts_the_still_and_its_numbers_stay(explorer_page, kind):
    explorer = block_explorer(kind)
    page = explorer_page(explorer, java_script_enabled=False)
    still = page.locator(".rx-still img")
    assert still.is_visible()
    costs = layer_costs(first_block(kind, 64, 64, 1), (64, 56, 56))
    for number in (
        sum(cost.parameters for cost in costs),
        sum(cost.multiply_adds for cost in costs),
    ):
        assert f"{number:,}" in still.get_attribute("alt")
    assert page.locator(".rx-controls").count() == 0
