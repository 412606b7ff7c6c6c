"""Clothes in the page: what the network computes in the browser against PyTorch, and what becomes of one's own picture.

The tests go to the page of the built site, which `make book` makes, since the network is loaded from there.
"""

import io
import itertools

import numpy as np
import pytest
import torch
from PIL import Image
from reading import READING, check_looks, load_network, opacities

from resnet_lib import clothes
from resnet_lib.explorers.reading import example_photographs
from resnet_lib.page_network import OUTPUTS
from resnet_lib.photographs import CLOTHES

EXPLORER = "document.querySelector('[data-explorer=reading]').explorer.clothes"
ANCHOR = "#reading=net.clothes"
NAMES = itertools.count()  # each file has its own name, by which a test knows that it was read


@pytest.fixture(scope="module")
def net():
    return clothes.page_net()


@pytest.fixture(scope="module")
def loaded(browser, site):
    """The page with its network, once for the tests that compute; each chooses a picture anew."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{site}/{READING}{ANCHOR}")
    load_network(page)
    yield page
    page.close()


def read(page) -> dict:
    page.wait_for_function(f"{EXPLORER}.ready()")
    return page.evaluate(f"{EXPLORER}.answer()")


def pixels(page) -> np.ndarray:
    """What the network gets, (28, 28)."""
    return np.array(page.evaluate(f"{EXPLORER}.values()")).reshape(28, 28)


def said(page) -> str:
    return page.locator(".rx-message").inner_text()


def encoded(image: Image.Image | np.ndarray, kind: str = "png", **options) -> bytes:
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def open_file(page, content: bytes, kind: str = "png") -> str:
    """Gives the page a file, waits until it says something about it, and returns what it says."""
    name = f"picture-{next(NAMES)}.{kind}"
    page.get_by_label("your own picture").set_input_files(
        {"name": name, "mimeType": f"image/{kind}", "buffer": content}
    )
    page.locator(".rx-message", has_text=name).wait_for()
    read(page)
    return said(page)


def white(height: int, width: int) -> np.ndarray:
    return np.full((height, width), 255, np.uint8)


class TestArithmetic:
    def test_logits_and_feature_maps_equal_those_of_pytorch(self, loaded, net):
        """Batch norm is folded in the page and not here. 10 photographs and 10 at random."""
        sample = clothes.load_sample()
        random = torch.randint(
            0, 256, (10, 1, 28, 28), generator=torch.Generator().manual_seed(0)
        )
        images = torch.cat([sample.test_images[:10].int(), random])
        with torch.no_grad():
            expected = dict(zip(OUTPUTS, net(images.float()), strict=True))
            whole = clothes.clothes_net()(clothes.prepared(sample.test_images[:10]))
        torch.testing.assert_close(expected["logits"][:10], whole, rtol=1e-4, atol=1e-4)
        found = loaded.evaluate(
            f"""async (all) => {{
              const answers = [];
              for (const pixels of all) answers.push(await {EXPLORER}.run(pixels));
              return answers;
            }}""",
            images.flatten(1).tolist(),
        )
        for name in OUTPUTS:
            values = torch.tensor([answer[name] for answer in found])
            wanted = expected[name].flatten(1)
            # next to 0, relative to the largest of the image
            difference = (values - wanted).abs() / wanted.abs().amax(1, keepdim=True)
            assert difference.max() < 1e-4, name

    @pytest.mark.parametrize("label", range(10))
    def test_each_of_the_ten_photographs_is_read(self, loaded, net, label):
        image = example_photographs()[label]
        loaded.get_by_role("button", name=CLOTHES[label], exact=True).click()
        answer = read(loaded)
        assert pixels(loaded).flatten().tolist() == image.flatten().int().tolist()
        with torch.no_grad():
            logits = net(image[None])[0][0]
        torch.testing.assert_close(torch.tensor(answer["logits"]), logits, rtol=1e-4, atol=1e-4)
        best, chance = CLOTHES[logits.argmax()], logits.softmax(0).max().item()
        row = loaded.locator("tr.reading-best")
        assert row.locator("th").inner_text() == best
        assert abs(float(row.locator("td").last.inner_text()) - chance) < 6e-4
        assert f"the label “{CLOTHES[label]}”. The network answers “{best}”" in said(loaded)
        assert loaded.url.endswith(f"{ANCHOR},example.{label + 1}")
        pressed = loaded.locator(".clothes-choice [aria-pressed=true]")
        assert pressed.all_inner_texts() == [CLOTHES[label]]

    def test_they_are_test_images_of_the_sample_one_of_each_class(self):
        sample = clothes.load_sample()
        for label, image in enumerate(example_photographs()):
            same = (sample.test_images == image).flatten(1).all(dim=1)
            assert sample.test_labels[same].tolist() == [label]

    def test_image_and_feature_maps_are_shown(self, loaded, net):
        loaded.get_by_role("button", name="bag").click()
        read(loaded)
        image = example_photographs()[CLOTHES.index("bag")]
        shown = loaded.get_by_role("img", name="The photograph: bag").evaluate(
            "canvas => Array.from(canvas.getContext('2d').getImageData(0, 0, 28, 28).data)"
        )
        grey = image.int().flatten().tolist()
        assert shown == [number for one in grey for number in (one, one, one, 255)]
        with torch.no_grad():
            maps = net(image[None])[1:]
        for values, stage in zip(opacities(loaded), maps, strict=True):
            wanted = (stage / stage.max()).flatten()
            torch.testing.assert_close(
                torch.tensor(values), wanted, rtol=0, atol=0.5 / 255 + 1e-4
            )
        label = loaded.locator(".reading-maps [role=img]").last.get_attribute("aria-label")
        assert "After layer3: 64 maps of 7×7" in label and f"{maps[-1].max():.2f}" in label


class TestOwnPicture:
    @pytest.mark.parametrize("label", [n for n in range(10) if CLOTHES[n] != "bag"])
    def test_a_photograph_of_the_data_set_on_white_and_enlarged_comes_back(self, loaded, label):
        """As the makers had it before they made it small: dark on white. It may come to lie one pixel beside.

        The bag has an empty row, so it would be enlarged.
        """
        small = example_photographs()[label][0].numpy().astype(np.uint8)
        open_file(loaded, encoded(255 - small.repeat(20, 0).repeat(20, 1)))
        moved = [np.roll(small, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        assert min(np.abs(pixels(loaded) - one.astype(int)).mean() for one in moved) < 3

    @pytest.mark.parametrize("background", [255, 0, 200])
    def test_what_differs_from_the_background_fills_the_frame(self, loaded, background):
        image = np.full((300, 300, 3), background, np.uint8)
        image[20:70, 90:190] = 255 - background if background != 200 else 0
        assert "Your picture" in open_file(loaded, encoded(image))
        expected = np.zeros((28, 28), int)
        expected[7:21] = 255  # 100 × 50 pixels become 28 × 14, in the middle
        assert (pixels(loaded) == expected).all()

    def test_areas_are_averaged(self, loaded):
        """56 pixels wide: each pixel of the result is the mean of four."""
        values = np.random.default_rng(0).integers(0, 200, (56, 56))
        image = white(60, 60)
        image[2:58, 2:58] = values
        open_file(loaded, encoded(image))
        expected = (255 - values).reshape(28, 2, 28, 2).mean(axis=(1, 3))
        assert np.abs(pixels(loaded) - expected).max() <= 0.5 + 1e-6

    def test_a_part_of_a_pixel_counts_as_its_part(self, loaded):
        """42 pixels become 28: each is two thirds of one and a third of its neighbour."""
        values = np.random.default_rng(1).integers(0, 200, (42, 42)).astype(float)
        image = white(44, 44)
        image[1:43, 1:43] = values
        open_file(loaded, encoded(image))
        share = np.zeros((28, 42))
        for row in range(0, 28, 2):
            first = row // 2 * 3
            share[row, first : first + 2] = 2 / 3, 1 / 3
            share[row + 1, first + 1 : first + 3] = 1 / 3, 2 / 3
        expected = share @ (255 - values) @ share.T
        assert np.abs(pixels(loaded) - expected).max() <= 0.5 + 1e-6

    @pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "I;16"])
    def test_kinds_of_png(self, loaded, mode):
        """Grey, with a palette, black and white, 16 bits; what is transparent counts as white."""
        image = white(40, 40)
        image[10:30, 15:25] = 0
        if mode == "I;16":
            picture = Image.fromarray(image.astype(np.uint16) * 257)
        elif mode in (
            "LA",
            "RGBA",
        ):  # black everywhere, and transparent where it is not to be seen
            picture = Image.new("L", (40, 40)).convert(mode)
            picture.putalpha(Image.fromarray(255 - image))
        else:
            picture = Image.fromarray(image).convert(mode)
        open_file(loaded, encoded(picture))
        expected = np.zeros((28, 28), int)
        expected[:, 7:21] = 255
        assert (pixels(loaded) == expected).all()

    def test_colours_become_grey_by_how_bright_they_look(self, loaded):
        image = np.zeros((30, 30, 3), np.uint8)
        image[1:29, 1:29] = (0, 255, 0)
        open_file(loaded, encoded(image))
        assert (pixels(loaded) == round(255 * 0.587)).all()

    def test_a_turned_photograph_stands_upright(self, loaded):
        """A camera stores how it was held; orientation 6 is to be turned a quarter to the right."""
        image = white(160, 160)
        image[16:144, 16:144] = 0  # a square, dark but for its upper half
        image[16:80, 16:144] = 128
        upright = Image.fromarray(image)
        exif = Image.Exif()
        exif[0x0112] = 6
        turned = upright.transpose(Image.Transpose.ROTATE_90)
        open_file(loaded, encoded(turned, "jpeg", exif=exif, quality=95), "jpeg")
        assert np.abs(pixels(loaded)[:13] - 127).max() < 8
        assert np.abs(pixels(loaded)[15:] - 255).max() < 8

    @pytest.mark.parametrize("shape", [(1, 1), (1, 2000), (2000, 1), (300, 200)])
    def test_one_colour_is_told(self, loaded, shape):
        told = open_file(loaded, encoded(np.full(shape, 90, np.uint8)))
        assert "the same colour everywhere, so there is nothing to read" in told
        assert not pixels(loaded).any() and read(loaded) is None
        assert loaded.locator("tr.reading-best").count() == 0

    @pytest.mark.parametrize("upright", [False, True])
    def test_long_and_thin(self, loaded, upright):
        line = np.full((1, 2000), 255, np.uint8)
        line[:, 500:1500] = 0
        open_file(loaded, encoded(line.T.copy() if upright else line))
        image = pixels(loaded).T if upright else pixels(loaded)
        assert (image.max(axis=1) > 0).sum() == 1 and (image[13] > 100).all()

    def test_twenty_megapixels(self, loaded):
        noise = np.random.default_rng(0).integers(0, 40, (4000, 5000), dtype=np.uint8)
        noise[:100] = noise[-100:] = noise[:, :100] = noise[:, -100:] = 255
        open_file(loaded, encoded(noise, "jpeg"), "jpeg")
        rows = np.flatnonzero(pixels(loaded).any(axis=1))
        assert (rows[0], rows[-1]) == (3, 24)  # 4800 × 3800 become 28 × 22
        assert np.abs(pixels(loaded)[5:23, 2:26] - (255 - 20)).max() < 12

    def test_a_drawing_in_svg(self, loaded):
        drawing = (
            '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100">'
            '<image href="https://example.org/x.png" width="9" height="9" opacity="0"/>'
            '<rect x="40" y="20" width="20" height="40"/></svg>'
        )
        asked = []
        loaded.on("request", lambda request: asked.append(request.url))
        open_file(loaded, drawing.encode(), "svg+xml")
        expected = np.zeros((28, 28), int)
        expected[:, 7:21] = 255
        assert (pixels(loaded) == expected).all()
        assert [url for url in asked if not url.startswith("blob:")] == []

    @pytest.mark.parametrize(
        ("content", "kind"),
        [
            (b"Dear reader, this is no picture.", "png"),
            (b"", "png"),
            (encoded(white(50, 50))[:20], "png"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), "heic"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'><rect", "svg+xml"),
        ],
        ids=["text", "empty", "cut short", "heic", "broken svg"],
    )
    def test_what_is_no_picture_is_told_and_the_page_goes_on(self, loaded, content, kind):
        loaded.get_by_role("button", name="dress").click()
        before = read(loaded)
        told = open_file(loaded, content, kind)
        assert f".{kind}” is no picture that this browser can read. JPEG and PNG" in told
        assert loaded.locator(".rx-wrong").count() == 1 and read(loaded) == before
        loaded.get_by_role("button", name="coat").click()
        read(loaded)
        assert loaded.locator(".rx-wrong").count() == 0 and "“coat”" in said(loaded)

    def test_the_same_file_can_be_opened_again(self, loaded):
        """A browser tells the page of a file only if it is another than the one in the field."""
        open_file(loaded, encoded(white(9, 9)))
        field = loaded.get_by_label("your own picture")
        assert field.input_value() != ""
        loaded.get_by_role("button", name="bag").click()
        assert field.input_value() == ""

    def test_the_last_of_two_files_counts(self, reading_page):
        """The first takes longer to read."""
        page = reading_page(anchor=ANCHOR)
        page.evaluate(
            """() => {
              const decode = HTMLImageElement.prototype.decode;
              HTMLImageElement.prototype.decode = function () {
                HTMLImageElement.prototype.decode = decode;
                return decode.call(this).then(() => new Promise((go) => { window.go = go; }));
              };
            }"""
        )
        for name in ("slow", "quick"):
            page.get_by_label("your own picture").set_input_files(
                {"name": f"{name}.png", "mimeType": "image/png", "buffer": encoded(white(9, 9))}
            )
        page.get_by_role("img", name="Your picture quick.png").wait_for()
        page.evaluate("() => { window.go(); return new Promise((go) => setTimeout(go, 300)); }")
        assert page.get_by_role("img", name="Your picture quick.png").is_visible()
        assert page.wrong == []


class TestUse:
    def test_a_reader_chooses_between_digits_and_clothes_by_keyboard(self, reading_page, site):
        page = reading_page()
        page.get_by_role("radio", name="drawn digits").focus()
        page.keyboard.press("ArrowRight")
        assert page.get_by_role("radio", name="clothes").is_checked()
        assert page.url.endswith(f"{ANCHOR},example.1")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.locator(".rx-message", has_text="The network answers").wait_for()
        page.keyboard.press("Tab")
        page.keyboard.press(" ")
        read(page)
        assert "the label “trouser”" in said(page)
        page.locator("[role=status]", has_text="The network answers").wait_for(state="attached")
        for _ in range(9):
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.type") == "file"
        page.get_by_role("radio", name="clothes").focus()
        page.keyboard.press("ArrowLeft")
        assert page.get_by_role("application").is_visible()
        # the program is there already, so this button stands for the small network alone
        loading = page.get_by_role("button", name="Load the network (0.3 MB)")
        loading.press("Enter")
        page.locator(".rx-message", has_text="Nothing is drawn").wait_for()
        page.get_by_role("radio", name="clothes").check()
        assert "the label “trouser”" in said(page) and page.wrong == []
        assert sum(url.endswith(".wasm") for url in page.asked) == 1

    @pytest.mark.parametrize(
        ("anchor", "name"),
        [
            (",example.9", "bag"),
            ("", CLOTHES[0]),
            (",example.11", CLOTHES[0]),
            (",example.0", CLOTHES[0]),
        ],
    )
    def test_the_address_is_read(self, reading_page, anchor, name):
        page = reading_page(anchor=ANCHOR + anchor)
        assert page.locator(".clothes-choice [aria-pressed=true]").inner_text() == name
        assert page.wrong == []

    def test_nothing_is_loaded_before_the_click_and_nothing_leaves(self, reading_page, site):
        page = reading_page(anchor=ANCHOR)
        image = white(40, 40)
        image[10:30, 15:25] = 0
        picture = {"name": "mine.png", "mimeType": "image/png", "buffer": encoded(image)}
        page.get_by_label("your own picture").set_input_files(picture)
        page.wait_for_function(f"{EXPLORER}.example() === 0")
        page.get_by_role("button", name="sandal").click()
        page.wait_for_load_state("networkidle")
        assert not [url for url in page.asked if "/in-the-page/" in url]
        load_network(page)
        page.get_by_label("your own picture").set_input_files(picture)
        page.locator(".rx-message", has_text="mine.png").wait_for()
        read(page)
        loaded = {url.rsplit("/", 1)[1] for url in page.asked if "/in-the-page/" in url}
        assert loaded == {
            "clothes.onnx",
            "ort.wasm.bundle.min.mjs",
            "ort-wasm-simd-threaded.wasm",
        }
        assert [url for url in page.asked if not url.startswith((site, "data:", "blob:"))] == []
        assert page.wrong == []


class TestLooks:
    @pytest.mark.parametrize("width", [360, 1280])
    @pytest.mark.parametrize("colours", ["light", "dark"])
    def test_phone_dark_and_axe_after_a_reading(self, reading_page, width, colours):
        page = reading_page(width, ANCHOR, load=True, color_scheme=colours)
        page.get_by_role("button", name="pullover").click()
        read(page)
        check_looks(page, width, ".rx button, .rx .reading-kinds label, .rx [type=file]")
        names = page.locator(".clothes-choice button")
        assert names.evaluate_all(
            "all => all.every((one) => one.scrollWidth <= one.clientWidth)"
        )
