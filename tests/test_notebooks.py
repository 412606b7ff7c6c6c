"""What holds for the notebooks as files: for readers in the book, Colab, JupyterLab and GitHub, and for those who edit
them.

That each notebook runs and gives its stored outputs is not tested here but by nbval (`make test` runs both). Each check
is a function from a notebook to a list of problems, and the last test shows each one a notebook that is broken in that
way.
"""

import copy
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import nbformat
import pytest
import run_notebooks
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

BOOK = Path(__file__).resolve().parent.parent / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))

# Cells whose output nbval does not compare, as (notebook, code that only this cell has), each with the reason. What
# such a cell claims must be tested elsewhere.
OUTPUT_NOT_COMPARED = {
    (
        "06-real-weights.ipynb",
        "= imagenet_weights(",
    ): "five classes where there is a network connection, one sentence where not",
    (
        "07-why-residual.ipynb",
        "models[name] = digits_net(",
    ): "losses of trained networks: test_training.py trains some too and compares them",
    ("07-why-residual.ipynb", "for name, history in histories"): "the losses, drawn",
    (
        "07-why-residual.ipynb",
        "answers = net.train(mode)(",
    ): "what networks know that are made of trained ones: test_training.py makes some too",
    (
        "07-why-residual.ipynb",
        "history = train(net",
    ): "losses of trained networks: test_training.py runs the cells before and trains the result",
    ("07-why-residual.ipynb", '("plain-56", *built)'): "these losses, drawn",
    (
        "07-why-residual.ipynb",
        "trained_on = accuracy(",
    ): "right answers of trained networks: the stored runs in test_training.py say the same",
    ("09-fast.ipynb", "get_capabilities"): "what this processor can do",
    (
        "10-photographs.ipynb",
        "gain = bfloat16_speed_up(",
    ): "how fast this machine is with bfloat16",
    (
        "10-photographs.ipynb",
        'load_photographs("clothes")',
    ): "all photographs, or a sentence where they cannot be had; test_photographs.py",
    (
        "10-photographs.ipynb",
        "for epoch in train_epochs(net",
    ): "a trained network, and times; test_recipe.py trains some too",
    ("09-fast.ipynb", "shares = time_by_kind(ours"): "times",
    (
        "09-fast.ipynb",
        'measure("as it is"',
    ): "times; the logits are checked in measure, as in all cells that call it",
    ("09-fast.ipynb", 'measure("folded", '): "times; the logits in test_folding.py too",
    ("09-fast.ipynb", 'measure("channels_last"'): "times",
    ("09-fast.ipynb", 'measure("folded + channels_last"'): "times",
    ("09-fast.ipynb", "after = time_by_kind(fast"): "times",
    (
        "09-fast.ipynb",
        'measure("compiled"',
    ): "times, or one sentence where there is no C++ compiler",
    ("09-fast.ipynb", 'measure("bfloat16"'): "times; the logits in test_folding.py too",
    ("09-fast.ipynb", "Speed-up of ResNet-18 over torchvision's"): "times",
    ("09-fast.ipynb", "gemm_speed_up(reference"): "times",
    ("09-fast.ipynb", "if has_gpu:"): "times of a GPU, or one sentence where there is none",
    ("09-fast.ipynb", "compare_speed(step"): "times",
    (
        "08-inside.ipynb",
        "for depth in (20, 32, 44, 56)",
    ): "gradients through many layers, by rounding; test_inspecting.py",
    (
        "08-inside.ipynb",
        '"plain-34": WithoutShortcut',
    ): "gradients through many layers, by rounding; test_inspecting.py",
    (
        "08-inside.ipynb",
        "for steps in (1, 30)",
    ): "trained; what the text says of it is in test_inspecting.py",
    (
        "08-inside.ipynb",
        "changes_in_one_step",
    ): "trained; what the text says of it is in test_inspecting.py",
    (
        "08-inside.ipynb",
        "layer3.8.conv2",
    ): "overflows, at a step that depends on rounding; test_inspecting.py",
    (
        "08-inside.ipynb",
        'title="ResNet-20"',
    ): "trained; what the text says of it is in test_inspecting.py",
    (
        "08-inside.ipynb",
        "before, after = ratios(",
    ): "trained; what the text says of it is in test_inspecting.py",
    (
        "08-inside.ipynb",
        "scores = {",
    ): "trained; what the text says of it is in test_inspecting.py",
}

# Results of others that prose quotes and no cell can compute, as (notebook, numbers), each with the reason.
QUOTED = {
    (
        "07-why-residual.ipynb",
        "6.43 7.93 1202",
    ): "the paper's Table 6: test errors of 110 and 1,202 layers on CIFAR-10",
    (
        "03-basic-block.ipynb",
        "27.94 28.54 27.88 25.03",
    ): "the paper's Table 2: errors of networks trained on all of ImageNet",
    (
        "06-real-weights.ipynb",
        "69.76",
    ): "torchvision's documentation: accuracy of ResNet-18 on ImageNet's validation images",
}

# Numbers in prose that no cell has to show. Each is a name or a place, not a result.
NAMES_WITH_NUMBERS = [
    # "ResNet-18, 34 and 101"
    r"\bResNet-\d+(?:(?:, | and | or |/)(?:ResNet-)?(?:18|34|50|101|152|20|32|44|56|110)\b)*",
    r"\b(?:101|152|110)\b",  # depths on their own: "the 101-layer network"
    # places in the paper
    r"\b(?:[Ss]ections?|[Tt]ables?|[Ff]igures?|[Ee]quations?) \d+(?:\.\d+)*(?: and \d+(?:\.\d+)*)?",
    r"\b(?:PyTorch|torchvision|torch|Python|version|v) ?\d+(?:\.\d+)+",  # versions
    r"\b201[56]\b",  # the years of the papers
    r"\b(?:ImageNet|CIFAR)-\d+k?",
]


def cells_of(notebook: NotebookNode, kind: str) -> list[tuple[int, NotebookNode]]:
    """The cells of a kind with their numbers, counted from 1."""
    return [
        (number, cell)
        for number, cell in enumerate(notebook.cells, start=1)
        if cell.cell_type == kind
    ]


def without_code(markdown: str) -> str:
    """Markdown without fenced code and code spans, which renderers show as they are."""
    markdown = re.sub(
        r"^( *)(`{3,}|~{3,}).*?^\1\2", "", markdown, flags=re.MULTILINE | re.DOTALL
    )
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", " ", markdown, flags=re.DOTALL)


def check_format(notebook: NotebookNode) -> list[str]:
    """A valid notebook file, with the metadata that is the same for everyone and no other."""
    found = []
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        found.append(f"not a valid notebook: {error}")
    if notebook.metadata != run_notebooks.NOTEBOOK_METADATA:
        found.append(
            f"notebook metadata {dict(notebook.metadata)}: `make notebooks` puts it right"
        )
    for number, cell in enumerate(notebook.cells, start=1):
        extra = set(cell.metadata) - run_notebooks.CELL_METADATA
        if extra:
            found.append(
                f"cell {number} has metadata {sorted(extra)}: `make notebooks` removes it"
            )
    return found


def check_executed(notebook: NotebookNode) -> list[str]:
    """Every code cell has been run, once and from top to bottom: nbval compares nothing in a cell that has no count."""
    counts = [cell.execution_count for _, cell in cells_of(notebook, "code")]
    if not counts or counts != list(range(1, len(counts) + 1)):
        return [f"execution counts are {counts}: run `make notebooks`"]
    return []


def check_outputs(notebook: NotebookNode) -> list[str]:
    """No errors, warnings, addresses or paths in what is stored, and no paths in what is written either."""
    found = run_notebooks.problems(notebook)
    path = run_notebooks.UNFIT["an absolute path of a machine"]
    found += [
        f"cell {number} names a path of a machine"
        for number, cell in enumerate(notebook.cells, 1)
        if path.search(cell.source)
    ]
    return found


def check_setup_cell(notebook: NotebookNode) -> list[str]:
    """The first code cell makes the library importable on Colab, and the book does not show it."""
    cells = cells_of(notebook, "code")
    if not cells:
        return ["no code cell"]
    setup = cells[0][1]
    found = []
    if '"google.colab" in sys.modules' not in setup.source:
        found.append("the first code cell is not the set-up for Colab")
    if "remove-cell" not in setup.metadata.get("tags", []):
        found.append("the set-up cell lacks the tag remove-cell")
    return found


def check_cell_length(notebook: NotebookNode) -> list[str]:
    """A reader takes in one cell at a glance: 15 lines at most, but for the set-up."""
    return [
        f"cell {number} has {len(cell.source.splitlines())} lines, more than 15"
        for number, cell in cells_of(notebook, "code")[1:]
        if len(cell.source.splitlines()) > 15
    ]


def check_pictures(notebook: NotebookNode) -> list[str]:
    """Every picture has a text that says what it shows, the same wherever a renderer may look for it."""
    found = []
    for number, cell in cells_of(notebook, "code"):
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
        pictures = run_notebooks.images(cell)
        if not pictures and alt is not None:
            found.append(f"cell {number} describes a picture that it no longer shows")
        for output in pictures:
            if not alt or len(alt) < 40:
                found.append(
                    f"cell {number}: the text of the picture is {alt!r}, too short to say what it shows"
                )
            if (
                not alt
                == output.data.get("text/plain")
                == output.metadata.get("image/png", {}).get("alt")
            ):
                found.append(
                    f"cell {number}: the texts of the picture differ: run `make notebooks`"
                )
    return found


def check_plain_markdown(notebook: NotebookNode) -> list[str]:
    """Only what the book, Colab, JupyterLab and GitHub all render: no MyST, and formulas in dollar signs."""
    found = []
    for number, cell in cells_of(notebook, "markdown"):
        if re.search(r"^\s*(?:`{3,}|~{3,})\{", cell.source, re.MULTILINE):
            found.append(f"cell {number} has a MyST directive")
        text = without_code(cell.source)
        if re.search(r"^\s*:{3,}", text, re.MULTILINE):
            found.append(f"cell {number} has a MyST directive with colons")
        if re.search(r"(?<![`\w])\{[a-zA-Z][\w:+.-]*\}`", cell.source):
            found.append(f"cell {number} has a MyST role")
        if re.search(r"^\([\w.-]+\)=\s*$", text, re.MULTILINE):
            found.append(f"cell {number} has a MyST label")
        if re.search(r"\{\{.*?\}\}", re.sub(r"\$.*?\$", "", text)):
            found.append(f"cell {number} has a MyST substitution")
        outside = re.sub(r"(?<!\\)\$\$.+?\$\$|(?<!\\)\$[^$\n]+?\$", "", text, flags=re.DOTALL)
        if re.search(r"(?<!\\)\$|\\begin\{|\\\(|\\\[", outside):
            found.append(f"cell {number} has a formula that is not in $…$ on one line or $$…$$")
    return found


def check_details(notebook: NotebookNode) -> list[str]:
    """What unfolds is complete, and has the blank line without which its Markdown shows as it is typed."""
    found = []
    for number, cell in cells_of(notebook, "markdown"):
        text = without_code(cell.source)
        blocks = len(re.findall(r"<details\b", text))
        if blocks != len(re.findall(r"</details>", text)) or blocks != len(
            re.findall(r"<summary>.*?</summary>", text)
        ):
            found.append(f"cell {number} has a <details> without its <summary> or its end")
        if blocks != len(re.findall(r"</summary>[ \t]*\n[ \t]*\n", text)):
            found.append(f"cell {number} has no blank line after </summary>")
    return found


def check_comparison(notebook: NotebookNode, name: str = "") -> list[str]:
    """nbval compares every output, but for the cells that are listed above with a reason."""
    found = []
    for number, cell in cells_of(notebook, "code"):
        for tag in cell.metadata.get("tags", []):
            listed = any(
                name == listed_name and code in cell.source
                for listed_name, code in OUTPUT_NOT_COMPARED
            )
            if (
                tag == "raises-exception"
                or tag.startswith("nbval")
                and not (tag == "nbval-ignore-output" and listed)
            ):
                found.append(f"cell {number} has the tag {tag}")
        if re.search(r"NBVAL_|PYTEST_VALIDATE", cell.source):
            found.append(
                f"cell {number} tells nbval what to do in a comment: use a tag, and the list in this test"
            )
    return found


def numbers(text: str, with_thousands: bool) -> set[Decimal]:
    """The numbers in a text. ``with_thousands`` takes 1,024 for one number, where code has two."""
    pattern = (
        r"\d{1,3}(?:,\d{3})+(?![\d])(?:\.\d+)?|\d+(?:\.\d+)?"
        if with_thousands
        else r"\d+(?:\.\d+)?"
    )
    return {Decimal(number.replace(",", "")) for number in re.findall(pattern, text)}


def computed_numbers(notebook: NotebookNode) -> set[Decimal]:
    """All numbers that the notebook's code shows or is written with."""
    found = set()
    for _, cell in cells_of(notebook, "code"):
        found |= numbers(re.sub(r"(?<=\d)_(?=\d)", "", cell.source), with_thousands=False)
        for output in cell.outputs:
            for text in run_notebooks.texts(output):
                found |= numbers(text, with_thousands=True) | numbers(
                    text, with_thousands=False
                )
    return found


def check_numbers(notebook: NotebookNode, name: str = "") -> list[str]:
    """Results in prose come out of code: any number of three or more digits or with a fraction stands in a cell too."""
    known = computed_numbers(notebook)
    known |= {
        Decimal(value)
        for quoted_in, values in QUOTED
        if quoted_in == name
        for value in values.split()
    }
    found = []
    for number, cell in cells_of(notebook, "markdown"):
        text = without_code(cell.source)
        text = re.sub(
            r"\]\([^)]*\)|<[^>]*>|https?://\S+", " ", text
        )  # targets of links, HTML tags, URLs
        text = re.sub(
            r"(?<=\d)(?:\{,\}|\\,|[\u00a0\u2009\u202f])(?=\d{3})", ",", text
        )  # 25{,}557 in a formula
        for pattern in NAMES_WITH_NUMBERS:
            text = re.sub(pattern, " ", text)
        for value in sorted(numbers(text, with_thousands=True) - known):
            if value >= 100 or value != int(value):
                found.append(
                    f"cell {number} says {value:,}, which no cell of this notebook computes"
                )
    return found


CHECKS = [
    check_format,
    check_executed,
    check_outputs,
    check_setup_cell,
    check_cell_length,
    check_pictures,
    check_plain_markdown,
    check_details,
]
CHECKS_WITH_EXCEPTIONS = [
    check_numbers,
    check_comparison,
]  # these know of the lists above, by the name of the notebook


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path: Path, check: Callable[[NotebookNode], list[str]]):
    assert not check(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("check", CHECKS_WITH_EXCEPTIONS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_but_for_exceptions(
    path: Path, check: Callable[[NotebookNode, str], list[str]]
):
    assert not check(nbformat.read(path, as_version=4), path.name)


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_what_answers_a_question_waits_for_a_click_on_the_page():
    """The outputs right after a question, but for figures that a reader changes."""
    for path in sorted(BOOK.glob("0*.ipynb")):
        asked = False
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                asked = "**Predict" in cell.source and "<summary>Answer" in cell.source
            elif asked and cell.outputs and "data-explorer" not in str(cell.outputs):
                tags = cell.metadata.get("tags", [])
                assert {"hide-output", "hide-cell", "exercise-check"} & set(tags), (
                    path.name,
                    cell.source,
                )


def test_the_index_gives_the_minutes_that_each_chapter_gives():
    index = (BOOK / "index.md").read_text("utf-8")
    for path in NOTEBOOKS:
        title = nbformat.read(path, as_version=4).cells[0].source
        reading, exercises = re.search(
            r"^\*.* about (\d+) minutes, exercises? (\d+)\*$", title, re.MULTILINE
        ).groups()
        assert re.search(rf"\({path.name}\) \| {reading} \+ {exercises} \|", index), path.name


def test_setup_cell_is_the_same_everywhere():
    setups = {
        cells_of(nbformat.read(path, as_version=4), "code")[0][1].source for path in NOTEBOOKS
    }
    assert len(setups) == 1, setups


def test_exceptions_are_still_needed():
    for name, code in OUTPUT_NOT_COMPARED:
        cells = [
            cell
            for _, cell in cells_of(nbformat.read(BOOK / name, as_version=4), "code")
            if code in cell.source
        ]
        assert len(cells) == 1 and "nbval-ignore-output" in cells[0].metadata.get("tags", []), (
            name,
            code,
        )
    for name, values in QUOTED:
        prose = "\n".join(
            cell.source
            for _, cell in cells_of(nbformat.read(BOOK / name, as_version=4), "markdown")
        )
        assert not [value for value in values.split() if value not in prose], (name, values)


def good_notebook() -> NotebookNode:
    """A small notebook with something for every check to look at, and nothing to find."""
    alt = "A row of 7 pixels, on which a kernel of width 3 that moves by 2 has 3 positions."
    picture = new_output(
        "display_data",
        {"image/png": "", "text/plain": alt},
        metadata={"image/png": {"alt": alt}},
    )
    text = (
        "At $I = 224$ the formula gives 112.5, and ResNet-50 has $25{,}557{,}032$ parameters (section 4.2), 1,024, "
        "`{x}`, `x[999]`.\n\n"
        "$$O = 1$$\n\n<details><summary>Hint</summary>\n\nHalf.\n\n</details>"
    )
    cells = [
        new_markdown_cell(text, id="text"),
        new_code_cell(
            'import sys\n\nif "google.colab" in sys.modules:\n    pass',
            id="setup",
            metadata={"tags": ["remove-cell"]},
        ),
        new_code_cell(
            "(224 + 1) / 2, 1024",
            id="code",
            outputs=[new_output("stream", text="112.5\n25,557,032\n")],
        ),
        new_code_cell(
            "draw()",
            id="picture",
            outputs=[picture],
            metadata={"mystnb": {"image": {"alt": alt}}},
        ),
    ]
    for count, cell in enumerate(cells[1:], start=1):
        cell.execution_count = count
    return new_notebook(cells=cells, metadata=copy.deepcopy(run_notebooks.NOTEBOOK_METADATA))


def without_alt(notebook: NotebookNode) -> None:
    """Takes the text from the output that is the picture of a notebook."""
    notebook.cells[3].outputs[0].metadata.clear()


def say(text: str) -> Callable[[NotebookNode], None]:
    """Adds a line to the prose of a notebook."""
    return lambda notebook: notebook.cells[0].update(
        source=notebook.cells[0].source + "\n\n" + text
    )


def show(name: str, text: str) -> Callable[[NotebookNode], None]:
    """Adds text to the outputs of a notebook."""
    return lambda notebook: notebook.cells[2].outputs.append(
        new_output("stream", name=name, text=text)
    )


def tag(*tags: str) -> Callable[[NotebookNode], None]:
    """Tags a code cell of a notebook."""
    return lambda notebook: notebook.cells[2].metadata.update(tags=list(tags))


BROKEN = [
    (check_format, lambda notebook: notebook.metadata.update(authors=[{"name": "A. Reader"}])),
    (check_format, lambda notebook: notebook.metadata.kernelspec.update(name="my-env")),
    (check_format, lambda notebook: notebook.metadata.language_info.update(version="3.11.2")),
    (check_format, lambda notebook: notebook.cells[2].metadata.update(collapsed=True)),
    (
        check_format,
        lambda notebook: notebook.cells[2].metadata.update(
            execution={"iopub.status.busy": "now"}
        ),
    ),
    (check_format, lambda notebook: notebook.cells[2].pop("outputs")),
    (check_executed, lambda notebook: notebook.cells[2].update(execution_count=None)),
    (check_executed, lambda notebook: notebook.cells[2].update(execution_count=7)),
    (check_outputs, show("stderr", "hm")),
    (check_outputs, show("stdout", "x.py:1: UserWarning: old")),
    (check_outputs, show("stdout", "<Thing object at 0x7f3a10c2d0>")),
    (check_outputs, show("stdout", "saved in /home/reader/x")),
    (
        check_outputs,
        lambda notebook: notebook.cells[2].outputs.append(
            new_output("error", ename="E", evalue="", traceback=[])
        ),
    ),
    (check_outputs, say("Open /Users/reader/x.")),
    (
        check_outputs,
        lambda notebook: notebook.cells[3].outputs.append(notebook.cells[3].outputs[0]),
    ),
    (check_outputs, show("stdout", "stored in /root/.cache/x")),
    (check_outputs, without_alt),
    (check_setup_cell, lambda notebook: notebook.cells.pop(1)),
    (check_setup_cell, lambda notebook: notebook.cells[1].metadata.clear()),
    (check_cell_length, lambda notebook: notebook.cells[2].update(source="x = 1\n" * 16)),
    (check_pictures, lambda notebook: notebook.cells[3].metadata.clear()),
    (
        check_pictures,
        lambda notebook: notebook.cells[3].metadata.mystnb.image.update(
            alt="another text, which is long enough for this"
        ),
    ),
    (check_pictures, lambda notebook: notebook.cells[3].outputs.clear()),
    (
        check_pictures,
        lambda notebook: notebook.cells[3].outputs[0].data.update({"text/plain": "<Figure>"}),
    ),
    (check_plain_markdown, say("```{note}\nHello\n```")),
    (check_plain_markdown, say(":::{note}\nHello\n:::")),
    (check_plain_markdown, say("See {doc}`other`.")),
    (check_plain_markdown, say("(label)=\n# Title")),
    (check_plain_markdown, say("Now {{ name }}.")),
    (check_plain_markdown, say("Now \\(x\\).")),
    (check_plain_markdown, say("\\begin{align}x\\end{align}")),
    (check_plain_markdown, say("It costs $5.")),
    (check_details, say("<details><summary>Hint</summary>\nText\n</details>")),
    (check_details, say("<details><summary>Hint</summary>\n\nText")),
    (check_details, say("<details>\n\nText\n\n</details>")),
    (check_numbers, say("It has 25,557,033 parameters.")),
    (check_numbers, say("It has $25{,}557{,}033$ parameters.")),
    (check_numbers, say("It has 0.731 of them.")),
    (check_numbers, say("It has 225 rows.")),
    (check_numbers, say("In 2017 it had 12.")),
    (check_comparison, tag("nbval-skip")),
    (check_comparison, tag("nbval-ignore-output")),
    (check_comparison, tag("raises-exception")),
    (
        check_comparison,
        lambda notebook: notebook.cells[2].update(source="# NBVAL_IGNORE_OUTPUT\n1"),
    ),
]


@pytest.mark.parametrize(
    "check", CHECKS + CHECKS_WITH_EXCEPTIONS, ids=lambda check: check.__name__
)
def test_check_finds_nothing_in_a_good_notebook(check):
    assert not check(good_notebook())


@pytest.mark.parametrize(
    ("check", "damage"),
    BROKEN,
    ids=[f"{n}-{check.__name__}" for n, (check, _) in enumerate(BROKEN)],
)
def test_check_finds_the_damage(check, damage):
    notebook = good_notebook()
    damage(notebook)
    assert check(notebook)
