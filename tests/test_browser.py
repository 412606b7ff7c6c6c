"""How a browser is chosen: the first that works, and the ways to one in their order."""

import browser
import pytest


def program(path, status=0):
    """A program that ends with this status, whatever it is asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {status}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine on which no browser is installed: its folder for programs and the one for what is unpacked."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(browser, "downloaded", lambda: str(tmp_path / "playwright"))
    monkeypatch.setattr(browser, "MACOS", [])
    monkeypatch.setattr(browser, "START", tmp_path / "unpacked" / "start")
    return tmp_path


def test_a_browser_that_does_not_start_is_none(bare):
    """As the one of Ubuntu, which only says how to install it, or one that lacks a library."""
    assert browser.find() is None
    unpacked = program(bare / "unpacked" / "start")
    assert browser.find() == unpacked
    downloaded = program(bare / "playwright")
    assert browser.find() == downloaded
    (bare / "playwright").unlink()
    program(bare / "bin" / "chromium", status=1)
    assert browser.find() == unpacked
    chrome = program(bare / "bin" / "google-chrome")
    assert browser.find() == chrome


def test_the_ways_are_tried_in_their_order_until_one_works(bare, monkeypatch, capsys):
    tried = []

    def way(name):
        def fetch():
            tried.append(name)
            if name == "third":
                program(bare / "bin" / "chromium")

        return fetch

    ways = {name: way(name) for name in ("first", "second", "third", "fourth")}
    monkeypatch.setattr(browser, "WAYS", ways)
    assert browser.main() == 0 and tried == ["first", "second", "third"]
    assert browser.main() == 0 and tried == ["first", "second", "third"]
    (bare / "bin" / "chromium").unlink()
    ways["third"] = lambda: None
    assert browser.main() == 1
    assert "Install one and try again" in capsys.readouterr().err


def test_without_rights_nothing_is_installed(bare, monkeypatch):
    marker = bare / "called"
    apt = bare / "bin" / "apt-get"
    apt.parent.mkdir()
    apt.write_text(f"#!/bin/sh\necho >> {marker}\n")
    apt.chmod(0o755)
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000)
    browser.install()
    assert not marker.exists()
    monkeypatch.setattr(browser.os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", f"{bare / 'bin'}:/usr/bin:/bin")
    browser.install()
    assert marker.read_text() == "\n\n"  # the list of packages, then the package
