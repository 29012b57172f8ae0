"""The dashboard in a real browser: quiet, usable by keyboard, readable on a phone and on paper.

Chromium comes from the system (Debian: the package chromium); without it these tests are skipped.
"""

from __future__ import annotations

import shutil

import cases
import pytest

from ai_program import dashboard
from ai_program.program import Baseline

sync_api = pytest.importorskip("playwright.sync_api")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module", params=["demand", "high"])
def address(request, rendered, tmp_path_factory) -> str:
    directory = tmp_path_factory.mktemp("page")
    store = cases.Store(directory / "objects.git")
    files = cases.read(rendered(request.param))
    page = dashboard.render(cases.judge({"state": "replaced"}, files, store, Baseline()).program)
    (directory / "report.html").write_text(page, encoding="utf-8")
    return (directory / "report.html").as_uri()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def opened(browser, address):
    """Return a function that opens the page; whatever the console or the network says fails."""
    said: list[str] = []
    contexts = []

    def opened(**options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [each for each in said if each != address] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1280])
def test_nothing_is_wider_than_the_screen(opened, width, scheme) -> None:
    page = opened(viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# Relative luminance and contrast as WCAG 2.2 defines them; 4.5 is its level AA.
CONTRAST = """
() => {
  const channel = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(channel);
                       return .2126 * r + .7152 * g + .0722 * b; };
  const paper = e => { for (; e; e = e.parentElement) {
                         const c = getComputedStyle(e).backgroundColor;
                         if (!/, 0\\)$/.test(c)) return c; } return "rgb(255, 255, 255)"; };
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    if (e.closest(".hidden, .skip, svg, style")) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(paper(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${e.textContent.trim().slice(0, 40)}`);
  }
  return found;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(opened, scheme) -> None:
    page = opened(color_scheme=scheme)
    assert page.evaluate(CONTRAST) == []


def test_the_keyboard_reaches_everything_that_scrolls(opened) -> None:
    page = opened(viewport={"width": 320, "height": 800})
    page.keyboard.press("Tab")
    focused = "document.activeElement.textContent.trim()"
    assert page.evaluate(focused) == "Skip to the report"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.getAttribute('aria-label')"))
    scrolls = "[...document.querySelectorAll('.scroll')].map(e => e.getAttribute('aria-label'))"
    assert set(page.evaluate(scrolls)) <= reached


def test_it_prints_on_white_paper_without_cutting_anything_off(opened) -> None:
    page = opened(color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")
    hidden = "[...document.querySelectorAll('.scroll')].map(e => getComputedStyle(e).overflowX)"
    assert set(page.evaluate(hidden)) == {"visible"}
