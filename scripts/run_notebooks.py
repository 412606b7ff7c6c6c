"""Runs the notebooks of the book and stores their outputs: all of them, or those named on the command line.

Two runs on one machine give the same files, byte for byte. A notebook whose outputs are not fit to be published,
because a cell fails, warns or shows a path of this machine, is left as it was; the others are written, and the exit
status is 1. The same holds for a notebook with an answer to an exercise: the book is published with stubs, and the
answer is someone's work.
"""

import argparse
import ast
import os
import re
import sys
import tempfile
import time
import uuid
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager, KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from solutions import CHECKED, kind_of, write_whole

BOOK = Path(__file__).resolve().parent.parent / "book"

# What belongs to the notebook for every reader, whatever the editor or the Python it was last opened with.
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
CELL_METADATA = {"tags", "mystnb"}

UNFIT = {
    "an absolute path of a machine": re.compile(
        r"(?<!\w)/(?:home|Users|root|tmp|var|work|opt|private)/[\w.]|\b[A-Z]:\\|site-packages"
    ),
    "an address in memory": re.compile(r"\bat 0x[0-9a-f]{6,}"),
    "a warning": re.compile(r"\b\w*Warning\b:"),
}

# What an explorer's HTML holds beside its words and its numbers, which are JSON in a script element with a type.
NOT_TEXT = re.compile(r"<style>.*?</style>|<script>.*?</script>|data:image/[^\"]*", re.DOTALL)


KEEP_ANSWERS = """To keep your answers, run `make my-work`: it copies the notebooks, with what you wrote, to my-work/.
To store outputs after all, put the stubs back, each function with `raise NotImplementedError` alone."""


def is_stub(source: str) -> bool:
    """Whether the code of an exercise cell is as released: definitions alone, in which each function only raises."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return False
    functions = []
    for statement in statements:
        inside = statement.body if isinstance(statement, ast.ClassDef) else [statement]
        for part in inside:
            if isinstance(part, ast.FunctionDef):
                functions.append([ast.unparse(line) for line in part.body])
            elif not isinstance(statement, ast.ClassDef) or not _is_constant(part):
                return False
    raising = ["raise NotImplementedError"]
    begins = ("'", '"', "super().__init__()")  # a docstring, and what each constructor needs
    return bool(functions) and all(
        [line for line in lines if not line.startswith(begins)] == raising
        for lines in functions
    )


def _is_constant(part: ast.stmt) -> bool:
    """Whether this is a docstring, or as ``expansion = 4``."""
    return isinstance(part, (ast.Expr, ast.Assign)) and isinstance(part.value, ast.Constant)


def answers(notebook: NotebookNode) -> list[str]:
    """The exercises that someone has answered, one line each: by their cells, or by what a check has said."""
    found = []
    for number, cell in enumerate(notebook.cells, start=1):
        if kind_of(cell) == "exercise" and not is_stub(cell.source):
            checks = [other.source for other in notebook.cells[number:]]
            names = CHECKED.findall("\n".join(checks)) or ["an exercise"]
            first = next(iter(cell.source.strip().splitlines()), "nothing, not even the stub")
            found.append(f"cell {number} has an answer to {names[0]}: {first}")
        elif cell.source.startswith("check(") and not found:
            said = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
            for text in filter(VERDICT.match, said):
                found.append(f"cell {number} checks an answer: {text.splitlines()[0][:80]}")
    return found


VERDICT = re.compile(r"[✔✘] \w+(?: \(\w+\))?: (?:passed|failed)\.")


def images(cell: NotebookNode) -> list[NotebookNode]:
    """The outputs of a cell that hold a picture."""
    return [
        output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]


def texts(output: NotebookNode) -> list[str]:
    """What a reader may see of an output as text, in every form that is stored."""
    data = output.get("data", {})
    shown = [data[kind] for kind in data if kind.startswith("text/")]
    return [output.get("text", "")] + [NOT_TEXT.sub("", text) for text in shown]


def problems(notebook: NotebookNode) -> list[str]:
    """Why the stored outputs should not be published: one line each, none for a good notebook."""
    found = []
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                found.append(
                    f"cell {number} fails: {output.ename}: {output.evalue}\n{cell.source}"
                )
            if output.get("name") == "stderr":
                found.append(f"cell {number} writes to stderr: {output.text.strip()[:200]}")
            for what, pattern in UNFIT.items():
                hit = next(filter(None, map(pattern.search, texts(output))), None)
                if hit:
                    found.append(
                        f"cell {number} shows {what}: {hit.string[hit.start() : hit.end() + 80].splitlines()[0]}"
                    )
        if len(images(cell)) > 1:
            found.append(
                f"cell {number} shows {len(images(cell))} pictures: the book has one text for each cell, so split it"
            )
        for output in images(cell):
            if not output.metadata.get("image/png", {}).get("alt"):
                found.append(
                    f"cell {number} shows a picture without a text: draw it with resnet_lib.drawing"
                )
    return found


def normalise(notebook: NotebookNode) -> None:
    """Leaves only what is the same for everyone, and puts the text of each picture where the book's pages look for
    it.
    """
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    for cell in notebook.cells:
        cell.metadata = NotebookNode(
            {key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata}
        )
        mystnb = cell.metadata.pop("mystnb", {})
        mystnb.pop("image", None)
        for output in images(cell):
            about = output.metadata.get("image/png", {})
            mystnb["image"] = {"alt": about.get("alt", "")} | (
                {"width": f"{about.width}px"} if "width" in about else {}
            )
        if mystnb:
            cell.metadata["mystnb"] = mystnb


# In seconds, for a cell, a kernel's start, and outputs that are on their way: only what never ends takes so long, on
# any machine.
PATIENCE = {"timeout": 3600, "startup_timeout": 600, "iopub_timeout": 600}


# Where kernels talk with this process, until it ends.
CONNECTIONS = tempfile.TemporaryDirectory(prefix="kernels-")


def kernel_manager(kind: type[KernelManager] = AsyncKernelManager, **options) -> KernelManager:
    """A manager whose kernel talks through files: of the ports that it would draw instead, another may draw the
    same.
    """
    name = Path(CONNECTIONS.name, f"{uuid.uuid4().hex[:12]}.json")
    return kind(transport="ipc", connection_file=str(name), **options)


def run(path: Path) -> list[str]:
    """Runs one notebook and writes it if its outputs are fit for that. Returns :func:`answers` or :func:`problems`."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    if found := answers(notebook):
        return [*found, KEEP_ANSWERS]
    client = NotebookClient(
        notebook,
        km=kernel_manager(kernel_name="python3"),
        **PATIENCE,
        record_timing=False,
        coalesce_streams=True,  # how a kernel cuts its output into pieces depends on the time
        extra_arguments=["--log-level=ERROR"],  # not the kernel's own remarks on its connection
        resources={"metadata": {"path": str(BOOK)}},
    )
    try:
        client.execute()
    except CellExecutionError:
        pass  # the failing cell holds the error, and problems() tells it
    found = problems(notebook)
    if answered := answers(notebook):  # in a cell of the reader's own
        found += [*answered, KEEP_ANSWERS]
    if not found:
        normalise(notebook)
        write_whole(path, (nbformat.writes(notebook) + "\n").encode())
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all in book/")
    paths = parser.parse_args().notebooks or sorted(BOOK.glob("*.ipynb"))
    os.environ["PYTHONHASHSEED"] = (
        "0"  # the kernels inherit it: sets keep their order from run to run
    )
    os.environ["OMP_NUM_THREADS"] = (
        "1"  # sums come in the order of one thread, on any number of cores
    )
    os.environ["TQDM_DISABLE"] = "1"  # progress bars are for readers, not for what is stored
    failed = 0
    for path in paths:
        start = time.monotonic()
        found = run(path)
        failed += bool(found)
        print(
            f"{path.name}: {'NOT STORED' if found else 'stored'} after {time.monotonic() - start:.0f} s",
            flush=True,
        )
        for problem in found:
            print("  " + problem.replace("\n", "\n    "), file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
