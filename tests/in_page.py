"""Exercises in an open page, found as a reader finds them: by names and roles."""

import re

from make_live import exercises
from playwright.sync_api import expect

PATIENCE = 60_000  # ms; a busy machine takes its time to load Python
PAGES = {exercise["name"]: f"{exercise['page']}.html" for exercise in exercises()}


class Exercise:
    """An exercise in an open page, found as a reader finds it: by names and roles."""

    def __init__(self, page, name: str):
        self.page, self.name = page, name
        self.place = page.locator(f"[data-exercise={name}]")
        self.code = self.place.get_by_role("textbox", name="Your code")
        self.verdict = self.place.get_by_role("status")

    def button(self, name: str):
        return self.place.get_by_role("button", name=name)

    def write(self, code: str) -> None:
        self.code.click()
        expect(self.place.locator(".cm-editor")).to_be_visible(timeout=PATIENCE)
        self.code.fill(code)

    def text(self) -> str:
        """The code as it stands, in the editor or in the plain field before it."""
        if self.code.evaluate("field => field.tagName") == "TEXTAREA":
            return self.code.input_value()
        return "\n".join(self.place.locator(".cm-line").all_inner_texts()).replace("\n\n", "\n")

    def free(self, number: int):
        """A line that is not in the code yet."""
        return self.place.get_by_role("list", name="Lines").locator(
            f"[data-line='{number}'] button"
        )

    def placed(self) -> list[list[int]]:
        """The lines in each part of the code."""
        parts = self.place.get_by_role("list", name="Your code").locator("ol")
        read = "parts => parts.map(part => [...part.children].map(line => Number(line.dataset.line)))"
        return parts.evaluate_all(read)

    def expect(self, status: str) -> str:
        expect(self.verdict).to_have_text(re.compile(f"^{status}"), timeout=PATIENCE)
        return self.verdict.inner_text()
