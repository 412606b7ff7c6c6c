"""Writes what is computed for the pages: one source for each number.

`make notebooks` stores the tables and the code in the pages themselves. `make book` runs this before every build in
which the library or this file has changed, for what only the site shows.
"""

import inspect
import io
import re
import shutil
import sys
import textwrap
from functools import partial
from pathlib import Path

import matplotlib
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from torch import nn
from torchvision.models import get_model_weights

import resnet_lib
from resnet_exercises import check
from resnet_exercises.exercise import load
from resnet_lib import clothes, drawn_digits
from resnet_lib.costs import layer_costs
from resnet_lib.drawing import BLUE, ORANGE, STYLE, draw_block, draw_network
from resnet_lib.explorers.output_size import output_size_explorer
from resnet_lib.explorers.reading import reading_explorer
from resnet_lib.page_network import export
from resnet_lib.tracing import trace

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "book" / "_generated"
NETWORKS = FOLDER / "root" / "in-the-page"  # as the page finds them, with their runtime
RUNTIME = ROOT / "node_modules" / "onnxruntime-web" / "dist"
RUNTIME_FILES = [
    "ort.wasm.bundle.min.mjs",
    "ort-wasm-simd-threaded.wasm",
]  # for the processor alone


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, its first column on the left and the others on the right."""
    lines = [header, [":---"] + ["---:"] * (len(header) - 1), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def depths() -> str:
    """The five ImageNet networks in figures."""
    rows = []
    for depth, make in resnet_lib.IMAGENET_RESNETS.items():
        model = make()
        costs = layer_costs(model, (3, 224, 224))
        stages = [model.layer1, model.layer2, model.layer3, model.layer4]
        rows.append(
            [
                str(depth),
                "basic" if model.layer1[0].expansion == 1 else "bottleneck",
                " + ".join(str(len(stage)) for stage in stages),
                f"{sum(cost.parameters for cost in costs):,}",
                f"{sum(cost.multiply_adds for cost in costs) / 1e9:.2f}",
                f"{max(cost.receptive_field or 0 for cost in costs):,}",
            ]
        )
    header = [
        "Depth",
        "Block",
        "Blocks in the stages",
        "Parameters",
        "×10⁹ multiply-adds",
        "Receptive field",
    ]
    return table(header, rows)


def strides() -> str:
    """The layers of ResNet-18 that change the size, shortcuts included, read from a trace."""
    rows = []
    for layer in trace(resnet_lib.resnet18(), (1, 3, 224, 224)):
        if (
            hasattr(layer.module, "kernel_size")
            and layer.input_shape[2] != layer.output_shape[2]
        ):
            settings = [layer.module.kernel_size, layer.module.padding, layer.module.stride]
            numbers = [str(value if isinstance(value, int) else value[0]) for value in settings]
            rows.append(
                [
                    f"`{layer.name}`",
                    *numbers,
                    f"{layer.input_shape[2]} → {layer.output_shape[2]}",
                ]
            )
    return table(["Layer of ResNet-18", "K", "P", "S", "At 224"], rows)


def stages() -> str:
    """What comes out of each stage, for both kinds of block."""
    basic, neck = (
        {layer.name: layer.output_shape[1:] for layer in trace(model, (1, 3, 224, 224))}
        for model in (resnet_lib.resnet34(), resnet_lib.resnet50())
    )
    rows = [
        [
            "stem",
            "conv1 and max-pool",
            *(" × ".join(map(str, shapes["maxpool"])) for shapes in (basic, neck)),
        ]
    ]
    for number in (1, 2, 3, 4):
        shapes = [basic[f"layer{number}.0.relu2"], neck[f"layer{number}.0.relu3"]]
        rows.append(
            [
                f"`layer{number}`",
                f"conv{number + 1}_x",
                *(" × ".join(map(str, shape)) for shape in shapes),
            ]
        )
    return table(
        ["Stage", "In the paper", "Basic block (18, 34)", "Bottleneck (50, 101, 152)"], rows
    )


class PaperBottleNeck(resnet_lib.ResidualBottleNeck):
    """The bottleneck with its stride where the paper has it, as chapter 4 makes it."""

    def __init__(self, in_channels, channels, stride=1, downsample=None):
        super().__init__(in_channels, channels, stride, downsample)
        self.conv1.stride, self.conv2.stride = self.conv2.stride, self.conv1.stride


def stride_places() -> str:
    """Multiply-adds and receptive fields with the stride in the 3×3 and in the first 1×1."""
    rows = []
    for depth, layers in {50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3]}.items():
        row = [str(depth)]
        for block in (resnet_lib.ResidualBottleNeck, PaperBottleNeck):
            costs = layer_costs(resnet_lib.ResNetBase(block, layers))
            row.append(f"{sum(cost.multiply_adds for cost in costs) / 1e9:.2f}")
            row.append(f"{max(cost.receptive_field or 0 for cost in costs):,}")
        rows.append(row)
    header = [
        "Depth",
        "Stride in the 3×3: ×10⁹",
        "receptive field",
        "In the first 1×1 (paper): ×10⁹",
        "receptive field",
    ]
    return table(header, rows)


def cifar() -> str:
    """The thin networks in figures."""
    rows = []
    for depth, make in resnet_lib.CIFAR_RESNETS.items():
        model = make()
        costs = layer_costs(model, (3, 32, 32))
        parameters, multiply_adds = (
            sum(getattr(c, what) for c in costs) for what in ("parameters", "multiply_adds")
        )
        rows.append(
            [
                str(depth),
                str(len(model.layer1)),
                f"{parameters:,}",
                f"{multiply_adds / 1e6:.1f}",
            ]
        )
    return table(["Depth", "n", "Parameters", "×10⁶ multiply-adds at 32×32"], rows)


def accuracies() -> str:
    """How often the networks are right with torchvision's weights, which torchvision itself notes with them."""
    rows = []
    for depth in resnet_lib.IMAGENET_RESNETS:
        known = {weights.name: weights.meta for weights in get_model_weights(f"resnet{depth}")}
        right = [
            f"{known[name]['_metrics']['ImageNet-1K']['acc@1']:.1f} %" if name in known else ""
            for name in ("IMAGENET1K_V1", "IMAGENET1K_V2")
        ]
        rows.append([str(depth), *right])
    return table(
        ["Depth", "`IMAGENET1K_V1`, the classic training", "`IMAGENET1K_V2`, a longer one"],
        rows,
    )


def preprocessing() -> str:
    """What the networks must see, read from the weights of ResNet-50."""
    rows = []
    for weights in get_model_weights("resnet50"):
        t = weights.transforms()
        rows.append(
            [
                f"`{weights.name}`",
                *(str(value) for value in (*t.resize_size, *t.crop_size, t.mean, t.std)),
            ]
        )
    return table(
        ["Weights", "Shorter side", "Middle", "Mean of R, G, B", "Standard deviation"], rows
    )


def solution(name: str) -> str:
    """The solution of an exercise, without its imports."""
    code = load(name).text.split("\n\n\n", 1)[1].strip()
    return f"```python\n{code}\n```\n"


def network() -> str:
    """The picture of ResNet-50, with its text."""
    picture = draw_network(resnet_lib.resnet50())
    path = FOLDER.parent / "_static" / "resnet50.png"
    # The README shows this file too, so it is kept in the repository. Its bytes depend on the version of matplotlib:
    # write it again only where what it shows has changed.
    if not path.exists() or Image.open(path).info.get("Description") != picture.alt:
        path.write_bytes(picture.png())
    return f"![{picture.alt}](_static/{path.name})<!-- in the book: {{width=540px}} -->\n"


def page_stages(net: nn.Module, side: int) -> str:
    """What a network of the page makes of an image, stage by stage."""
    costs = layer_costs(net, (1, side, side))
    parts = {
        "the stem": ("conv1", "batchnorm1", "relu1"),
        "`layer1`": ("layer1.",),
        "`layer2`": ("layer2.",),
        "`layer3`": ("layer3.",),
    }
    rows = []
    for name, starts in parts.items():
        part = [cost for cost in costs if cost.name.startswith(starts)]
        channels, height, width = part[-1].output_shape
        rows.append(
            [
                name,
                f"{channels} maps of {height}×{width}",
                f"{sum(cost.parameters for cost in part):,}",
                str(part[-1].receptive_field),
            ]
        )
    return table(["After", "Feature maps", "Parameters", "Receptive field"], rows)


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def digits_facts() -> str:
    """The network for drawn digits in figures, and how well it reads: computed from the stored weights."""
    net, digits = drawn_digits.stored_net(), resnet_lib.load_digits()
    with torch.no_grad():
        right = int((net(digits.test_images).argmax(dim=1) == digits.test_labels).sum())
    number = len(digits.test_labels)
    return (
        f"It is a ResNet-{drawn_digits.DEPTH} with {parameters(net):,} parameters, trained on "
        f"{len(digits.train_labels):,} images of 8×8. Of the {number} test images, which it never saw in training, it "
        f"reads {right} right: {right / number:.1%}.\n"
    )


def clothes_facts() -> str:
    """The network for clothes in figures, and how well it reads: what was measured when it was trained."""
    net, last = resnet_lib.clothes_net(), clothes.stored_histories()["residual-20"][-1]
    return (
        f"It is a ResNet-{6 * clothes.BLOCKS_PER_STAGE + 2} with {parameters(net):,} parameters, trained on 60,000 "
        "photographs of 28×28. Of the 10,000 test images, which it never saw in training, it names "
        f"{1 - last.test_error:.1%} right.\n"
    )


def page_networks() -> dict[str, int]:
    """Puts the networks of the page and their runtime where the site takes them from, and returns how many bytes they
    have.
    """
    missing = [name for name in RUNTIME_FILES if not (RUNTIME / name).is_file()]
    if missing:
        raise SystemExit(
            f"{', '.join(missing)} is not in {RUNTIME}: `make book` fetches it, "
            "and `.venv/bin/python scripts/node.py` does that alone."
        )
    NETWORKS.mkdir(parents=True, exist_ok=True)
    # An export takes some seconds, and depends on few files of all those that this script is run for.
    library = Path(resnet_lib.__file__).parent
    names = "page_network drawn_digits clothes recipe folding resnet blocks data degradation"
    sources = [library / f"{name}.py" for name in names.split()]
    sources += [drawn_digits.WEIGHTS, clothes.WEIGHTS, clothes.RUNS, ROOT / "requirements.txt"]
    newest = max(source.stat().st_mtime for source in sources)
    sizes = {}
    for name, (make, side) in PAGE_NETWORKS.items():
        path = NETWORKS / f"{name}.onnx"
        if not path.exists() or path.stat().st_mtime < newest:
            export(make(), side, path)
        sizes[name] = path.stat().st_size
    for name in RUNTIME_FILES:
        shutil.copyfile(RUNTIME / name, NETWORKS / name)
    return sizes | {"runtime": sum((RUNTIME / name).stat().st_size for name in RUNTIME_FILES)}


class EarlyReLU(resnet_lib.ResidualBasicBlock):
    """A block with the mistake that the first page shows."""

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu1(self.batchnorm1(self.conv1(x)))
        out = self.relu2(self.batchnorm2(self.conv2(out)))
        return out + shortcut


def mistake() -> str:
    """What a check says of a wrong block: the code and the first line of the answer."""
    code = textwrap.dedent(inspect.getsource(EarlyReLU.forward))
    verdict = check("basic_block", EarlyReLU)
    answer = verdict.message.splitlines()[0]
    return (
        f"```python\n{code}```\n\n<!-- in the book: :::{{container}} verdict -->\n"
        f"**✘ basic_block: {verdict.status}.** {answer}\n<!-- in the book: ::: -->\n"
    )


def social_card() -> bytes:
    """The picture that stands beside a link to the book: 1200 × 630 pixels, the name of the book and a block as it
    draws it.
    """
    block = Image.open(
        io.BytesIO(draw_block(resnet_lib.ResidualBasicBlock(64, 64), (64, 56, 56)).png())
    )
    height = 570
    block = block.convert("RGB").resize(
        (round(block.width * height / block.height), height), Image.LANCZOS
    )
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(12, 6.3), dpi=100)
        figure.text(
            0.06,
            0.70,
            "ResNet,\nbuilt by you",
            size=54,
            weight="bold",
            va="center",
            linespacing=1.15,
        )
        figure.text(
            0.06, 0.42, "Write ResNet-18 to ResNet-152 in PyTorch.", size=18, va="center"
        )
        figure.text(
            0.06, 0.34, "Check that they answer as torchvision's do.", size=18, va="center"
        )
        figure.text(
            0.06, 0.17, "O = ⌊(I − K + 2P) / S⌋ + 1", size=25, color=ORANGE, va="center"
        )
        figure.add_artist(
            Rectangle((0, 0), 0.018, 1, fc=BLUE, ec="none", transform=figure.transFigure)
        )
        figure.figimage(block, xo=1200 - block.width - 30, yo=30)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def plus_one() -> str:
    """A known mistake, as it stands in its file."""
    path = ROOT / "resnet_exercises" / "output_size" / "mistakes.toml"
    (entry,) = re.findall(
        r"^\[plus-one-before-division\]\n(?:.+\n)+", path.read_text("utf-8"), re.M
    )
    return f"```toml\n{entry}```\n"


# Tables and code that stand in the pages themselves, so that these can be read in JupyterLab and on GitHub too.
PIECES = {
    "depths": depths,
    "strides": strides,
    "stages": stages,
    "stride-places": stride_places,
    "cifar": cifar,
    "accuracies": accuracies,
    "preprocessing": preprocessing,
    "basic-block": partial(solution, "basic_block"),
    "make-layer": partial(solution, "make_layer"),
    "output-size": lambda: f"```python\n{load('output_size').text}```\n",
    "plus-one": plus_one,
    "network": network,
    "mistake": mistake,
    "digits-stages": lambda: page_stages(drawn_digits.stored_net(), 8),
    "digits-facts": digits_facts,
    "clothes-stages": lambda: page_stages(resnet_lib.clothes_net(), 28),
    "clothes-facts": clothes_facts,
}
#: the name of a network in the page → what makes it, and the side of its images in pixels
PAGE_NETWORKS = {"digits": (drawn_digits.page_net, 8), "clothes": (clothes.page_net, 28)}


def filled(page: str) -> str:
    """The text of a page, with each of ``PIECES`` made anew between its marks, as far indented as they are."""
    marks = re.compile(
        r"^( *)<!-- ([\w-]+) -->\n\n.*?^ *<!-- end -->", re.DOTALL | re.MULTILINE
    )

    def piece(found: re.Match) -> str:
        text = f"<!-- {found[2]} -->\n\n{PIECES[found[2]]()}\n<!-- end -->"
        return textwrap.indent(text, found[1])

    return marks.sub(piece, page)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "output_size_explorer.html").write_text(
        output_size_explorer().html(), encoding="utf8"
    )
    (FOLDER / "reading_explorer.html").write_text(
        reading_explorer(f"../{NETWORKS.name}", page_networks()).html(), encoding="utf8"
    )
    (FOLDER / "root").mkdir(exist_ok=True)  # what goes to the root of the site
    (FOLDER / "root" / "social-card.png").write_bytes(social_card())


if __name__ == "__main__":
    if "--pages" in sys.argv:
        for page in (ROOT / "book").glob("*.md"):
            page.write_text(filled(page.read_text("utf-8")), "utf-8")
    else:
        main()
