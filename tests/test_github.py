"""The workflows and forms for GitHub: right in form, for any owner, and made of the commands that everyone uses.

Whether GitHub runs them as meant shows only there.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(
    path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"
)


def wrong(schema: str, *paths: Path) -> str:
    """What check-jsonschema finds, by the schema that it brings with it."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    result = subprocess.run([*command, *paths], capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def steps(path: Path) -> list[dict]:
    jobs = yaml.safe_load(path.read_text(encoding="utf8"))["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


def test_workflows_and_forms_have_the_form_that_github_wants():
    assert WORKFLOWS and FORMS
    assert not wrong("github-workflows", *WORKFLOWS)
    assert not wrong("github-issue-forms", *FORMS)
    assert not wrong("github-issue-config", GITHUB / "ISSUE_TEMPLATE" / "config.yml")


def test_a_wrong_workflow_is_found(tmp_path):
    text = (GITHUB / "workflows" / "newest.yml").read_text(encoding="utf8")
    paths = []
    for old, new in (("runs-on:", "run-on:"), ("steps:", "step:"), ("cron:", "crown:")):
        assert old in text
        paths.append(tmp_path / f"{new[:-1]}.yml")
        paths[-1].write_text(text.replace(old, new), encoding="utf8")
    said = wrong("github-workflows", *paths)
    assert [path.name for path in paths if path.name not in said] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_call_what_is_there_and_name_no_owner(path):
    targets = re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf8"))
    called = [
        step["run"].split()[1]
        for step in steps(path)
        if step.get("run", "").startswith("make ")
    ]
    assert called and set(called) <= set(targets)
    text = path.read_text(encoding="utf8")
    assert all(
        re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
        for step in steps(path)
        if "uses" in step
    )
    assert not re.findall(r"github\.com/(?!\$)[\w-]+/", text)
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}


def test_a_site_is_published_only_from_the_repository_that_it_links_to(tmp_path):
    (script,) = (step["run"] for step in steps(WORKFLOWS[0]) if step.get("id") == "address")
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))
    ours = settings["repository"]["url"].removeprefix("https://github.com/")
    for repository, verdict in {
        ours: "publish=true\n",
        ours.lower(): "publish=true\n",
        "a/b": "",
    }.items():
        output = tmp_path / "output"
        output.write_text("")
        environment = {
            "PATH": "/usr/bin:/bin",
            "GITHUB_REPOSITORY": repository,
            "GITHUB_OUTPUT": str(output),
        }
        result = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert output.read_text() == verdict
        assert ("make publish-as REPO=a/b" in result.stdout) == (not verdict)
    (upload,) = (step for step in steps(WORKFLOWS[0]) if "upload-pages" in step.get("uses", ""))
    assert f"SITE := {upload['with']['path']}\n" in (ROOT / "Makefile").read_text(
        encoding="utf8"
    )
