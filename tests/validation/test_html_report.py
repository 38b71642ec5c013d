"""The HTML report: what is on it, what must never be, and how it behaves in a real browser."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from automation_scripts.validation.html_report import html
from automation_scripts.validation.parameters import ConfigValidatorParameters
from automation_scripts.validation.report import Report
from automation_scripts.validation.validate import validate

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
SECRET = "hunter2-Zq8vT1xK"


def page(folder: Path) -> str:
    done = validate(ConfigValidatorParameters(config_path=str(folder)))
    return html(done.report, done.corpus.files, title=str(folder), made_at=AT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text(
        "services:\n"
        "  web:\n"
        "    image: nginx:1.27\n"
        f"    environment: {{DB_PASSWORD: {SECRET}, COUNTRY: no}}\n"
        "    labels: {country: no}\n"
        "    imagee: nginx\n"
    )
    (tmp_path / "<img src=x onerror=alert(1)>.yaml").write_text("a: 1\na: 2\n</script><script>alert(1)</script>: [\n")
    return tmp_path


def test_findings_and_corrections_are_shown(folder: Path) -> None:
    text = page(folder)
    assert "imagee" in text
    assert "2026-01-02 03:04 UTC" in text
    assert re.search(r'class="add">\+ ', text), "a correction is shown as lines"


def test_a_secret_and_its_whole_line_stay_away(folder: Path) -> None:
    assert SECRET not in page(folder)


def test_text_of_the_files_is_never_markup(folder: Path) -> None:
    text = page(folder)
    assert "<img" not in text
    assert text.count("<script>") == 1
    assert text.count("</script>") == 1


def test_nothing_is_loaded_from_elsewhere(folder: Path) -> None:
    text = page(folder)
    assert "default-src 'none'" in text
    assert not re.search(r"""\bsrc=["']|url\(|@import|<link""", text)


def test_an_empty_report_says_so() -> None:
    assert "Nothing was found." in html(Report([], 3), [], title="x", made_at=AT)


@pytest.mark.slow
def test_a_real_browser_filters_the_findings(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    from playwright.sync_api import sync_playwright

    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(page(folder), encoding="utf-8")
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1000, "height": 900})
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: said.append(request.url) if request.url != file.as_uri() else None)
        tab.goto(file.as_uri())
        rows = tab.locator("tr[data-rank]")
        everything = rows.count()
        assert tab.inner_text("#shown") == f"{everything} of {everything}"
        tab.select_option("#class", "unknown-key")
        visible = tab.locator("tr[data-rank]:visible")
        assert 0 < visible.count() < everything
        assert all(visible.nth(n).get_attribute("data-class") == "unknown-key" for n in range(visible.count()))
        tab.fill("#text", "no such words anywhere")
        assert tab.inner_text("#shown") == f"0 of {everything}"
        assert tab.locator("section:visible").count() == 0
        # Nothing is wider than the window, and the numbers stand side by side.
        tab.fill("#text", "")
        tab.select_option("#class", "")
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        tops = {tab.locator(".number").nth(n).bounding_box()["y"] for n in range(3)}  # type: ignore[index]
        assert len(tops) == 1
        browser.close()
    assert said == []
