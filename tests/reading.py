"""The page "A ResNet in the page", for the tests of both its networks."""

import re

from axe_playwright_python.sync_playwright import Axe

READING = "book/in-the-page.html"


def load_network(page) -> None:
    """Presses the button, and waits for what the network says first."""
    page.get_by_role("button", name="Load the network").click()
    page.locator(
        ".rx-message", has_text=re.compile("Nothing is drawn|The network answers")
    ).wait_for()


def opacities(page) -> list[list[float]]:
    """What is seen of the feature maps: for each stage, the opacity of all pixels, from 0 to 1."""
    return page.eval_on_selector_all(
        ".reading-maps [role=img]",
        """views => views.map((view) => [...view.querySelectorAll("canvas")].flatMap((canvas) => {
          const bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          return Array.from(bytes.filter((_, n) => n % 4 === 3), (byte) => byte / 255);
        }))""",
    )


def check_looks(page, width: int, touched: str) -> None:
    """It fits the ``width``, axe finds nothing, and what is ``touched``, a CSS selector, is high enough to touch."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    result = Axe().run(page, context=".rx", options={"resultTypes": ["violations"]})
    assert [(f["id"], f["nodes"][0]["html"][:100]) for f in result.response["violations"]] == []
    smallest = page.eval_on_selector_all(
        touched, "all => Math.min(...all.map((one) => one.getBoundingClientRect().height))"
    )
    assert smallest >= 32 and page.wrong == []
