"""Make the documentation's images again: `nox -s screenshots`, or `-- DIRECTORY` of a repository.

The demand example is generated from the working tree and led through a life that leaves no part of
the page empty: a release, a refused candidate, a second release, a drill, a rollback. Chromium is
that of the system (Debian: the package chromium). Widths are fixed, and a picture ends where its
last part ends; days and digests are those of the run.
"""

from __future__ import annotations

import datetime as dt
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from conftest import VARIANTS, copy_of_template, git, run_cookiecutter  # noqa: E402
from life import Repository, people  # noqa: E402

IMAGES = ROOT / "docs" / "images"
ADDRESS = "https://github.com/ai-program/ai-program"
REPORT, CATALOGUE = "build/report.html", "var/catalogue/index.html"
#: Name of an image: page, colour scheme, width, the parts that it begins and ends with.
SHOTS: dict[str, tuple[str, str, int, str, str]] = {
    "report-light": (REPORT, "light", 1180, "body", "[aria-label=Gates]"),
    "report-dark": (REPORT, "dark", 1180, "body", "[aria-label=Gates]"),
    "report-operation": (REPORT, "light", 1180, "#chain", "[aria-label=Monitors]"),
    "report-history": (REPORT, "light", 1180, "#history", "[aria-labelledby=risk] .columns"),
    "report-phone": (REPORT, "light", 320, "body", "[aria-labelledby=results]"),
    "catalogue": (CATALOGUE, "light", 1180, "body", "[id^=version-]"),
}
MARGIN = 24
# The monitors look once a day; so that a line has points, the days before are set.
LOOK = """
import sys
from demand_forecasting import __main__, monitor
monitor.now = lambda: sys.argv[1] + "T06:00:00Z"
sys.exit(__main__.main(["monitor", "--replay"]))
"""


def main() -> None:
    """Generate, live, take the pictures."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("there is no Chromium on this machine: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        there = sys.argv[1:]
        repository = Repository(Path(there[0]).resolve(), {}) if there else lived(Path(folder))
        quiet = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, args=quiet)
        for name in SHOTS:
            take(browser, repository, name)
        browser.close()


def lived(folder: Path) -> Repository:
    """Return a repository that has seen most of what there is to see."""
    home = folder / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n"
        f'[url "{(folder / "ai-program").as_posix()}"]\n\tinsteadOf = {ADDRESS}\n'
    )
    env = people(home, folder / "pre-commit")
    env.pop("SOURCE_DATE_EPOCH")  # the workshop is today
    template = copy_of_template(folder / "ai-program", env)
    # As after a push: nothing warns that only this machine has the revision.
    published = folder / "published"
    git(template, "clone", "-q", str(template), str(published), env=env)
    git(published, "remote", "set-url", "origin", ADDRESS, env=env)
    config = ["--no-input", "--config-file", str(VARIANTS["demand"])]
    repository = Repository(run_cookiecutter(published, folder / "out", *config, env=env).path, env)

    def step(session: str, *arguments: str, expected: int = 0) -> None:
        sys.stdout.write(f"{session} {' '.join(arguments)}\n")
        done = repository.nox(session, *arguments)
        if done.returncode != expected:
            sys.exit(done.output)
        commit(session)

    def commit(what: str) -> None:
        done = repository.commit(what.capitalize())
        if done.returncode and "nothing to commit" not in done.output:
            sys.exit(done.output)

    def look(days_ago: int) -> None:
        day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=days_ago)
        done = repository.python("-c", LOOK, day.isoformat())
        if done.returncode:
            sys.exit(done.output)
        commit(f"look at {day}")

    repository.run("pre-commit", "install")
    step("pipeline")
    step("promote", "--approve", "@grace")
    look(3)
    look(2)
    step("pipeline", "--candidate", "ridge", expected=1)
    step("pipeline", "--candidate", "extra_trees")
    step("promote", "--approve", "@grace")
    look(1)
    step("drill")
    step("rollback", "--reason", "Peaks were missed")
    look(0)
    step("report")
    step("catalogue")
    return repository


def take(browser: Browser, repository: Repository, name: str) -> None:
    """Take one picture, of few colours: it is text on a plain ground."""
    page, scheme, width, first, last = SHOTS[name]
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, device_scale_factor=1.5
    )
    shown = context.new_page()
    shown.goto((repository.path / page).as_uri())
    box = "document.querySelector('{}').getBoundingClientRect().{}"
    top = max(0, round(shown.evaluate(box.format(first, "top"))) - MARGIN)
    bottom = round(shown.evaluate(box.format(last, "bottom"))) + MARGIN
    clip = {"x": 0, "y": top, "width": width, "height": bottom - top}
    path = IMAGES / f"{name}.png"
    shown.screenshot(path=path, full_page=True, clip=clip)
    context.close()
    with Image.open(path) as taken:
        image = taken.convert("RGB")
    # Its own commonest colours, not means of them: the ground stays what it is, and red stays red.
    colours = sorted(image.getcolors(image.width * image.height) or [], reverse=True)[:256]
    palette = Image.new("P", (1, 1))
    palette.putpalette([value for _, colour in colours for value in colour])
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)
    sys.stdout.write(f"{path.relative_to(ROOT)} {path.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
