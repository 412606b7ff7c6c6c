"""The exercises of plain numbers and names are checked in Pyodide too: Python 3.14, as a page runs it, without PyTorch
and NumPy.
"""

import json
from pathlib import Path

import node

from resnet_exercises.exercise import load

ROOT = Path(__file__).resolve().parent.parent
PLAIN = [
    "output_size",
    "same_padding",
    "stage_sizes",
    "count_parameters",
    "multiply_adds",
    "receptive_field",
    "torchvision_name",
]
CHECKS = """
import json, sys
sys.path.insert(0, "/repository")
from resnet_exercises import check
from resnet_exercises.exercise import load
from resnet_exercises.mistakes import build

found = {"python": sys.version_info[:2], "stub": {}, "solution": {}, "named": {}}
for name in json.loads(NAMES):
    exercise = load(name)
    stub = "def " + exercise.signature + ": raise NotImplementedError"
    found["stub"][name] = check(name, build(stub, exercise.asked)).status
    found["solution"][name] = check(name, build(exercise.text, exercise.asked)).status
    verdicts = {m.id: check(name, build(m.code, exercise.asked)).mistake for m in exercise.mistakes if not m.needs}
    found["named"][name] = verdicts
found["loaded"] = sorted({"torch", "numpy"} & set(sys.modules))
json.dumps(found)
"""
SCRIPT = """
const { loadPyodide } = await import("pyodide");
const python = await loadPyodide();
python.FS.mkdir("/repository");
python.FS.mount(python.FS.filesystems.NODEFS, { root: process.argv[1] }, "/repository");
python.globals.set("NAMES", process.argv[2]);
console.log(python.runPython(process.argv[3]));
"""


def test_in_python_3_14_without_pytorch():
    """Stubs, solutions and all known mistakes, but for those that make a tensor or an array."""
    ran = node.run("node", "--input-type=module", "-e", SCRIPT, ROOT, json.dumps(PLAIN), CHECKS)
    assert ran.returncode == 0, ran.stdout
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["python"] == [3, 14] and found["loaded"] == []
    assert set(found["stub"].values()) == {"not attempted"}
    assert set(found["solution"].values()) == {"passed"}
    for name in PLAIN:
        made = [mistake.id for mistake in load(name).mistakes if not mistake.needs]
        assert found["named"][name] == dict(zip(made, made))
