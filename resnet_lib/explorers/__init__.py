"""Explorers: figures that a reader can change, on a page without a kernel as well as in a notebook.

An explorer is a piece of HTML that needs nothing else: its style, its script and its numbers, which Python has computed
with this library, are inside. The last expression of a cell shows it; the stored output is what the book's page shows.
Where scripts do not run, as on GitHub or with JavaScript off, a still picture stays, with the numbers that it shows.
"""

from __future__ import annotations

import base64
import html
import io
import json
from importlib import resources

from PIL import Image  # comes with matplotlib

from resnet_lib.drawing import PIXELS_PER_INCH, Picture

ASSETS = resources.files("resnet_lib.explorers")


class Explorer:
    """One explorer. In a notebook it displays itself.

    ``name`` is that of the script ``NAME.js`` beside this file, and of the setting in the page's address; ``title``
    says to everyone, and to screen readers, what it is; ``data`` is what the script works with, computed by this
    library; ``still`` is shown where no script runs. ``parts`` are other scripts beside this file that the explorer's
    own builds on.
    """

    def __init__(
        self, name: str, title: str, data: dict, still: Picture, parts: tuple[str, ...] = ()
    ):
        self.name = name
        self.title = title
        self.data = data
        self.still = still
        self.parts = parts

    def html(self) -> str:
        """The whole explorer, to be put into any page."""
        picture = base64.b64encode(_small(self.still.png())).decode()
        width = round(self.still.figure.get_figwidth() * PIXELS_PER_INCH)
        # "</" would end the script element that holds the data
        data = json.dumps(self.data, separators=(",", ":"), ensure_ascii=False).replace(
            "</", "<\\/"
        )
        scripts = "\n".join(_asset(f"{part}.js") for part in ("common", *self.parts, self.name))
        return "\n".join(
            [
                f'<section class="rx" data-explorer="{self.name}" aria-label="{html.escape(self.title)}">',
                f"<style>{_asset('common.css')}</style>",
                f'<div class="rx-still"><img alt="{html.escape(self.still.alt)}" width="{width}" '
                f'src="data:image/png;base64,{picture}"></div>',
                f'<script type="application/json">{data}</script>',
                f"<script>(() => {{\n{scripts}\n}})();</script>",
                "</section>",
            ]
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html(), "text/plain": f"{self.title}. {self.still.alt}"}


def _small(png: bytes) -> bytes:
    """The same picture with 64 colours, as few as ours need: a quarter of the size in the page."""
    small = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(
        small, "png", optimize=True
    )
    return small.getvalue()


def _asset(name: str) -> str:
    return (ASSETS / name).read_text("utf-8").strip()
