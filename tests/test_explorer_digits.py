"""A ResNet in the page: what it computes in the browser against NumPy and PyTorch, and its use by mouse and keyboard.

The tests go to the page of the built site, which `make book` makes, since the network is loaded from there.
"""

import numpy as np
import pytest
import torch
import train_digits
from reading import READING, check_looks, load_network, opacities

from resnet_lib import accuracy, drawn_digits, load_digits
from resnet_lib.drawn_digits import count_ink, fit_drawing, page_net, stored_net
from resnet_lib.explorers.reading import BRUSH, example_counts
from resnet_lib.page_network import OUTPUTS
from resnet_lib.resnet import CifarResNet

EXPLORER = "document.querySelector('[data-explorer=reading]').explorer.digits"
PAD = ".digits-pad svg"

# What a hand does, as the corners of its lines on the grid of 32×32.
HAND = {
    0: [[(16, 4), (11, 6), (8, 13), (8, 20), (11, 26), (16, 28), (21, 26), (24, 20), (24, 12), (21, 6), (16, 4)]],
    1: [[(12, 9), (17, 4), (17, 28)]],
    2: [[(9, 10), (11, 6), (16, 4), (21, 6), (22, 11), (18, 18), (9, 28), (23, 28)]],
    3: [[(9, 6), (15, 4), (22, 7), (21, 12), (15, 15), (22, 18), (23, 24), (16, 28), (9, 26)]],
    4: [[(19, 4), (7, 20), (25, 20)], [(19, 12), (19, 28)]],
    5: [[(22, 4), (11, 4), (10, 15), (16, 13), (22, 17), (22, 24), (16, 28), (9, 26)]],
    6: [[(20, 4), (13, 9), (9, 18), (10, 25), (15, 28), (21, 26), (22, 20), (17, 16), (11, 20)]],
    7: [[(8, 5), (24, 5), (17, 17), (14, 28)], [(11, 16), (22, 16)]],
    8: [
        [(16, 15), (10, 11), (11, 6), (16, 4), (21, 6), (21, 11), (16, 15)]
        + [(10, 20), (11, 26), (16, 28), (22, 26), (22, 20), (16, 15)]
    ],
    9: [[(22, 10), (18, 4), (11, 6), (10, 12), (16, 15), (22, 11), (22, 19), (19, 28)]],
}  # fmt: skip


@pytest.fixture(scope="module")
def net():
    return page_net()


@pytest.fixture(scope="module")
def loaded(browser, site):
    """The page with its network, once for the tests that compute; each draws anew."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{site}/{READING}")
    load_network(page)
    yield page
    page.close()


def read(page):
    """The answer to what is drawn now, and the digit that it says."""
    page.wait_for_function(f"{EXPLORER}.ready()")
    answer = page.evaluate(f"{EXPLORER}.answer()")
    return answer, int(np.argmax(answer["logits"])) if answer else None


def draw(page, strokes):
    page.get_by_role("button", name="Clear").click()
    pad = page.locator(PAD)
    pad.evaluate("pad => pad.scrollIntoView({ block: 'center', behavior: 'instant' })")
    box = pad.bounding_box()
    for stroke in strokes:
        points = [
            (box["x"] + x / 32 * box["width"], box["y"] + y / 32 * box["height"])
            for x, y in stroke
        ]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()
    return read(page)


class TestStored:
    def test_the_stored_accuracy_is_that_of_the_stored_weights(self):
        digits, about = load_digits(), drawn_digits.stored_about()
        net = stored_net()
        for part, images, labels in (
            ("test", digits.test_images, digits.test_labels),
            ("training", digits.train_images, digits.train_labels),
        ):
            assert round(accuracy(net, images, labels), 4) == about[f"{part} accuracy"]
        assert about["test accuracy"] > 0.97

    def test_it_is_the_network_of_chapter_7(self):
        net = stored_net()
        assert type(net) is CifarResNet and not net.training
        assert [len(stage) for stage in (net.layer1, net.layer2, net.layer3)] == [3, 3, 3]

    def test_training_images_are_varied_the_same_each_time_and_stay_counts(self, net):
        digits = load_digits()
        first, again = (next(iter(train_digits.Varied(digits, seed=3))) for _ in range(2))
        assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
        plain, labels = next(iter(digits.loader(seed=3)))
        assert torch.equal(labels, first[1]) and not torch.equal(plain, first[0])
        counts = (first[0] - net.empty) / net.per_pixel
        torch.testing.assert_close(counts, counts.round(), rtol=0, atol=1e-4)
        assert counts.min() > -1e-4 and counts.max() < 16 + 1e-4

    def test_counts_stand_for_the_standardised_images(self, net):
        images = load_digits().test_images
        counts = ((images - net.empty) / net.per_pixel).round()
        torch.testing.assert_close(counts * net.per_pixel + net.empty, images)
        assert (counts.min(), counts.max()) == (0, 16)

    @pytest.mark.parametrize("shape", [(8, 8), (32,), (1, 32, 32)])
    def test_a_drawing_of_another_size_is_refused(self, shape):
        for function in (count_ink, fit_drawing):
            with pytest.raises(ValueError, match="32×32"):
                function(np.zeros(shape, bool))


class TestArithmetic:
    def test_counting_and_fitting_equal_numpy(self, loaded):
        """2,400 bitmaps: nearly empty and nearly full ones, and ones in a corner."""
        random = np.random.default_rng(0)
        bitmaps = []
        for number in range(2400):
            bitmap = random.random((32, 32)) < random.choice([0.002, 0.05, 0.5, 0.97])
            if number % 2:
                top, left = random.integers(0, 30, 2)
                height, width = random.integers(1, 33, 2)
                outside = np.ones((32, 32), bool)
                outside[top : top + height, left : left + width] = False
                bitmap &= ~outside
            bitmaps.append(bitmap)
        texts = ["".join("01"[int(pixel)] for pixel in bitmap.flat) for bitmap in bitmaps]
        found = loaded.evaluate(
            f"""texts => texts.map((text) => {{
              const bitmap = [...text].map(Number), {{ count, fit }} = {EXPLORER};
              return [count(bitmap).join(), fit(bitmap).join(""), count(fit(bitmap)).join()];
            }})""",
            texts,
        )
        for bitmap, (counts, fitted, both) in zip(bitmaps, found, strict=True):
            blocks = [
                bitmap[r : r + 4, c : c + 4].sum()
                for r in range(0, 32, 4)
                for c in range(0, 32, 4)
            ]
            assert (
                counts
                == ",".join(map(str, blocks))
                == ",".join(map(str, count_ink(bitmap).flat))
            )
            expected = fit_drawing(bitmap)
            assert fitted == "".join("01"[int(pixel)] for pixel in expected.flat)
            assert both == ",".join(map(str, count_ink(expected).flat))

    def test_a_fitted_drawing_is_as_high_as_the_grid_and_in_the_middle(self):
        bitmap = np.zeros((32, 32), bool)
        bitmap[20:28, 1:5] = True
        fitted = fit_drawing(bitmap)
        assert fitted[:, 8:24].all() and fitted.sum() == 32 * 16
        wide = np.zeros((32, 32), bool)
        wide[5:11, 2:14] = True
        assert fit_drawing(wide)[10:22, 4:28].all() and fit_drawing(wide).sum() == 12 * 24

    def test_logits_and_feature_maps_equal_those_of_pytorch(self, loaded, net):
        """Batch norm is folded in the page and not here. 60 test images and 60 at random."""
        tests = ((load_digits().test_images[:60] - net.empty) / net.per_pixel).round()
        random = torch.randint(0, 17, (60, 1, 8, 8), generator=torch.Generator().manual_seed(0))
        counts = torch.cat([tests, random.float()])
        with torch.no_grad():
            expected = dict(zip(OUTPUTS, net(counts), strict=True))
        normalised = load_digits().test_images[:60]
        torch.testing.assert_close(expected["logits"][:60], stored_net()(normalised).detach())
        found = loaded.evaluate(
            f"""async (all) => {{
              const answers = [];
              for (const counts of all) answers.push(await {EXPLORER}.run(counts));
              return answers;
            }}""",
            counts.flatten(1).int().tolist(),
        )
        for name in OUTPUTS:
            values = torch.tensor([answer[name] for answer in found]).reshape(
                expected[name].shape
            )
            torch.testing.assert_close(values, expected[name], rtol=0, atol=1e-4)

    def test_probabilities_are_those_of_pytorch_and_add_up_to_one(self, loaded):
        logits = (
            torch.randn(500, 10, generator=torch.Generator().manual_seed(0)) * 1000
        ).double()
        found = loaded.evaluate(f"all => all.map({EXPLORER}.softmax)", logits.tolist())
        torch.testing.assert_close(
            torch.tensor(found, dtype=torch.double), logits.softmax(dim=1)
        )
        assert all(abs(sum(row) - 1) < 1e-9 for row in found)


class TestUse:
    @pytest.mark.parametrize("digit", HAND)
    def test_a_digit_drawn_with_the_mouse_is_read(self, loaded, digit):
        answer, said = draw(loaded, HAND[digit])
        assert said == digit
        row = loaded.locator("tr.reading-best")
        assert row.locator("th").inner_text() == str(digit)
        chance = torch.tensor(answer["logits"]).softmax(dim=0)[digit].item()
        assert abs(float(row.locator("td").last.inner_text()) - chance) < 6e-4
        assert f"It reads a {digit}" in loaded.locator(".rx-message").inner_text()

    def test_the_feature_maps_are_shown(self, loaded, net):
        answer, _ = draw(loaded, HAND[5])
        shown = opacities(loaded)
        counts = (
            torch.tensor(loaded.evaluate(f"{EXPLORER}.values()")).float().reshape(1, 1, 8, 8)
        )
        with torch.no_grad():
            maps = net(counts)[1:]
        for values, stage in zip(shown, maps, strict=True):
            wanted = (stage / stage.max()).flatten()
            torch.testing.assert_close(
                torch.tensor(values), wanted, rtol=0, atol=0.5 / 255 + 1e-4
            )
        label = loaded.locator(".reading-maps [role=img]").last.get_attribute("aria-label")
        assert "After layer3: 32 maps of 2×2" in label and f"{maps[-1].max():.2f}" in label

    def test_the_pen_is_round_and_four_pixels_wide(self, loaded):
        draw(loaded, [])
        loaded.get_by_label("Fit the drawing").uncheck()
        draw(loaded, [[(16, 16)]])
        counts = np.array(loaded.evaluate(f"{EXPLORER}.values()")).reshape(8, 8)
        loaded.get_by_label("Fit the drawing").check()
        assert BRUSH == 4 and counts.sum() == 12 and (counts[3:5, 3:5] == 3).all()

    def test_keyboard_alone(self, reading_page):
        page = reading_page(load=True)
        page.locator(PAD).focus()
        for _ in range(10):
            page.keyboard.press("ArrowUp")
        page.keyboard.press(" ")
        _, first = read(page)
        for _ in range(20):
            page.keyboard.press("Shift+ArrowDown")
        answer, said = read(page)
        assert first is not None and said == 1
        page.locator("[role=status]", has_text="Row 27, column 17, ink").wait_for(
            state="attached"
        )
        before = page.evaluate(f"{EXPLORER}.values()")
        page.keyboard.press("Backspace")
        read(page)
        assert page.evaluate(f"{EXPLORER}.values()") != before
        page.get_by_role("button", name="Clear").press("Enter")
        assert read(page)[0] is None
        assert set(page.evaluate(f"{EXPLORER}.values()")) == {0}
        assert "Nothing is drawn" in page.locator(".rx-message").inner_text()
        assert page.wrong == []

    def test_the_pen_stops_at_the_edge(self, loaded):
        draw(loaded, [])
        loaded.locator(PAD).focus()
        for _ in range(40):
            loaded.keyboard.press("Shift+ArrowLeft")
        assert read(loaded)[0] is not None
        assert loaded.locator(f"{PAD} rect").get_attribute("x") == "0"

    def test_examples_are_test_images_and_stand_in_the_address(self, reading_page, net):
        page = reading_page(load=True)
        button = page.get_by_role("button", name="An example from the test images")
        images = example_counts(net)
        for digit, image in enumerate(images):
            button.click()
            assert read(page)[1] == digit
            assert page.evaluate(f"{EXPLORER}.values()") == image.flatten().int().tolist()
            assert page.url.endswith(f"#reading=net.digits,example.{digit + 1}")
        tests = ((load_digits().test_images - net.empty) / net.per_pixel).round()
        assert all((tests == image).flatten(1).all(dim=1).any() for image in images)
        assert "its drawing is not in the data set" in page.locator(".rx-message").inner_text()
        draw(page, HAND[3])
        assert page.url.endswith("#reading=net.digits,example.0")

    @pytest.mark.parametrize(
        ("anchor", "digit"),
        [
            ("net.digits,example.8", 7),
            ("net.digits,example.99", None),
            ("example.x", None),
            ("example.-1", None),
            ("", None),
        ],
    )
    def test_the_address_is_read_and_put_right(self, reading_page, net, anchor, digit):
        page = reading_page(anchor=f"#reading={anchor}")
        counts = page.evaluate(f"{EXPLORER}.values()")
        expected = (
            [0] * 64 if digit is None else example_counts(net)[digit].flatten().int().tolist()
        )
        assert counts == expected and page.wrong == []


class TestLoading:
    def test_nothing_of_the_runtime_is_asked_for_before_the_click(self, reading_page, site):
        page = reading_page()
        page.get_by_role("button", name="An example").click()
        page.wait_for_load_state("networkidle")
        assert page.asked and not [url for url in page.asked if "/in-the-page/" in url]
        load = page.get_by_role("button", name="Load the network")
        load.click()
        page.wait_for_function(f"{EXPLORER}.ready()")
        loaded = {url.rsplit("/", 1)[1] for url in page.asked if "/in-the-page/" in url}
        assert loaded == {
            "digits.onnx",
            "ort.wasm.bundle.min.mjs",
            "ort-wasm-simd-threaded.wasm",
        }
        assert [url for url in page.asked if not url.startswith((site, "data:", "blob:"))] == []
        assert page.wrong == []

    def test_the_button_says_what_the_files_weigh(self, reading_page, site):
        page = reading_page()
        weights = page.evaluate(
            """async () => Promise.all(["digits.onnx", "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"]
              .map(async (name) => (await (await fetch(`../in-the-page/${name}`)).blob()).size))"""
        )
        name = page.get_by_role("button", name="Load the network").inner_text()
        assert name == f"Load the network ({sum(weights) / 1e6:.1f} MB)"

    def test_a_failed_download_is_told(self, reading_page):
        page = reading_page()
        page.route("**/digits.onnx", lambda route: route.abort())
        page.get_by_role("button", name="Load the network").click()
        page.locator(".rx-wrong", has_text="could not be loaded").wait_for()
        page.unroute("**/digits.onnx")
        load_network(page)  # the button is still there, and works
        assert page.locator(".rx-wrong").count() == 0

    def test_a_browser_without_webassembly_is_told(self, browser, site):
        page = browser.new_page()
        page.add_init_script("delete window.WebAssembly")
        page.goto(f"{site}/{READING}")
        page.get_by_role("button", name="Load the network").click()
        page.locator(".rx-wrong", has_text="does not run WebAssembly").wait_for()
        page.close()

    def test_a_page_opened_as_a_file_says_what_to_do(self, explorer_page, browser, tmp_path):
        from resnet_lib.explorers.reading import reading_explorer

        file = tmp_path / "page.html"
        sizes = {"digits": 1, "clothes": 1, "runtime": 1}
        file.write_text(
            f"<!doctype html><title>A</title>{reading_explorer('../in-the-page', sizes).html()}",
            "utf8",
        )
        page = browser.new_page()
        page.goto(file.as_uri())
        page.get_by_role("button", name="Load the network").click()
        page.locator(".rx-wrong", has_text="opened as a file").wait_for()
        page.close()


class TestLooks:
    @pytest.mark.parametrize("width", [360, 1280])
    @pytest.mark.parametrize("colours", ["light", "dark"])
    def test_phone_dark_and_axe_after_a_reading(self, reading_page, width, colours):
        page = reading_page(width, load=True, color_scheme=colours)
        draw(page, HAND[2])
        check_looks(page, width, ".rx button, .rx .reading-fit")

    def test_without_javascript_the_still_picture_says_what_it_shows(self, reading_page):
        page = reading_page(java_script_enabled=False)
        picture = page.locator(".rx-still img")
        assert picture.is_visible()
        assert "The network reads a 3, with probability" in picture.get_attribute("alt")
        assert page.locator(".rx button").count() == 0
