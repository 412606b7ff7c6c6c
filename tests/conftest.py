"""Settings and fixtures that all tests share."""

import functools
import http.server
import os
import resource
import signal
import threading
from pathlib import Path

import nbval.kernel
import pytest
from browser import opened
from hypothesis import settings
from in_page import PAGES, Exercise
from jupyter_client.manager import KernelManager
from reading import READING, load_network
from run_notebooks import PATIENCE, kernel_manager

# As `make test` sets it, for who runs pytest alone: processes that are forked from one with two threads can wait for
# ever.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tests that a shell runs in the background ignore Ctrl-C, and what they start would inherit that.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A make that a test starts is one of its own: it must not hear of the NEWEST=1 of the make that runs the tests.
for name in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES"):
    os.environ.pop(name, None)

# The same cases in every run: a test that is green today is not red tomorrow by the luck of the
# draw. No deadline for one case, as the first call into PyTorch is slow.
settings.register_profile("book", derandomize=True, database=None, deadline=None)
settings.load_profile("book")

nbval.kernel.KernelManager = functools.partial(kernel_manager, KernelManager)

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"

# Workers take whole files, in this order, so that none is left alone at the end with a long one.
LONGEST_FIRST = (
    "test_exercises.py",
    "test_arranging.py",
    "test_solutions.py",
    "test_pages.py",
    "test_hand_ins.py",
    "09-fast.ipynb",
    "07-why-residual.ipynb",
    "08-inside.ipynb",
    "test_explorer_block.py",
    "test_explorer_network.py",
    "test_my_work.py",
    "test_torchvision.py",
)


@pytest.fixture(scope="session")
def browser():
    """A Chromium without a window, of which each test makes its own pages. It waits as long as a busy machine may
    need.
    """
    with opened() as browser:
        make_context = browser.new_context

        def patient_context(**options):
            context = make_context(**options)
            context.set_default_timeout(1000 * PATIENCE["startup_timeout"])
            return context

        browser.new_context = patient_context
        browser.new_page = lambda **options: patient_context(**options).new_page()
        yield browser


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line in the log for each."""

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def site():
    """The address of the built book, served on this machine as a web server would."""
    handler = functools.partial(Quiet, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def visit(browser, site):
    """A function that opens the page of an exercise; it fails where the page reports an error or asks another host."""
    contexts, heard = [], []

    def open_page(name: str, context=None, **options) -> Exercise:
        if context is None:
            context = browser.new_context(
                **{"viewport": {"width": 390, "height": 900}, **options}
            )
            contexts.append(context)
        page = context.new_page()
        # the theme's own scripts do not expect a browser that keeps nothing
        page.on("pageerror", lambda e: "/live/" in (e.stack or "") and heard.append(str(e)))
        ours = site, "blob:", "data:"
        page.on("request", lambda sent: sent.url.startswith(ours) or heard.append(sent.url))
        page.goto(f"{site}/{PAGES[name]}")
        return Exercise(page, name)

    yield open_page
    for context in contexts:
        context.close()
    assert not heard


@pytest.fixture
def reading_page(browser, site):
    """A function that goes to "A ResNet in the page" and returns it, with what it has asked for and complained of."""
    contexts = []

    def go(width=1280, anchor="", load=False, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.wrong = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on(
            "console",
            lambda said: said.type in ("error", "warning") and page.wrong.append(said.text),
        )
        page.goto(f"{site}/{READING}{anchor}")
        if load:
            load_network(page)
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.fixture
def explorer_page(browser):
    """A function that shows one explorer on an empty page and returns the page. It fails if the page reports an
    error.
    """
    contexts, errors = [], []

    def show(explorer, width=900, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: said.type == "error" and errors.append(said.text))
        page.set_content(
            f'<!doctype html><html lang="en"><title>explorer</title><body>{explorer.html()}</body></html>'
        )
        return page

    yield show
    for context in contexts:
        context.close()
    assert not errors


def pytest_collection_modifyitems(items):
    """The files that take long come first; --no-loadscope-reorder keeps xdist from sorting by number of tests."""
    place = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))
    for item in items:
        if hasattr(item, "output_timeout"):  # a cell of nbval's, which waits 5 s by itself
            item.output_timeout = PATIENCE["iopub_timeout"]


def pytest_terminal_summary(terminalreporter):
    """Prints the table that test_exercises.py makes, also where a worker of xdist ran it, and the processor time of
    all.
    """
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, text in getattr(report, "user_properties", []):
                if name == "table" and report.when == "call":
                    terminalreporter.section("what the checks of the exercises were tried with")
                    terminalreporter.write_line(text)
    # Workers are gone by now, and with them the browsers and kernels that they started.
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    minutes = sum(time.ru_utime + time.ru_stime for time in used) / 60
    terminalreporter.section("processor time")
    terminalreporter.write_line(f"{minutes:.1f} minutes in all")
