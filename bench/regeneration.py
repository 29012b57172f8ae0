"""What four tools make of the same cases, and how long two of them take on the same tree.

Each case is one of ``tests/regeneration/test_cases.py``: a template that changes and a team that
changes. Every tool gets the template in its own form and the same work of the team in between. Then
the work tree is judged by one function: is every line of the team there, is the template's change
there, did a deleted file come back, and was a conflict shown?

    nox -s bench_regeneration                 print both tables
    nox -s bench_regeneration -- --write      and put them into docs/regeneration.md

One run writes the versions and both tables, so that none of them is left from another one.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BIN = Path(sys.executable).parent
sys.path[0] = str(ROOT / "tests")  # in place of this folder, which has a file of the same name

from regeneration.teams import Files, Team, environment, parts  # noqa: E402
from regeneration.test_cases import CASES, Case  # noqa: E402

PAGE = ROOT / "docs" / "regeneration.md"
MARKS = ("<!-- made by bench/regeneration.py -->", "<!-- end -->")
COMPARED = (
    "unchanged",
    "team edit elsewhere",
    "same line",
    "adjacent line",
    "team deleted, template unchanged",
    "team deleted, template changed",
    "template deleted, team untouched",
    "template deleted, team edited",
    "template renamed",
    "template renamed, team edited",
    "template renamed, team edited the same line",
    "team renamed",
    "team renamed and edited",
    "new template file, team's own file",
    "binary, both changed",
    "mode, template changed",
    "CRLF as it is",
    "names beyond ASCII",
    "file turned directory",
)
TEAM = ("team", "own")
SLUG = "project"
RUNS = 5


def run(*command: str | Path, cwd: Path, ok: bool = True) -> int:
    """Run a program in silence and return its exit code."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, check=False, text=True,
        errors="replace", stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if ok and done.returncode:
        message = f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}"
        raise RuntimeError(message)
    return done.returncode


def write(root: Path, files: dict) -> None:
    """Write files into a folder; None takes one away."""
    for path, file in files.items():
        place = root / path
        if place.is_symlink() or place.is_file():
            place.unlink()
        if file is not None:
            mode, content = parts(file)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            place.chmod(0o755 if mode == "100755" else 0o644)


def commit(root: Path, message: str) -> None:
    """Commit everything."""
    run("git", "add", "--all", "--force", cwd=root)
    run("git", "commit", "-q", "--allow-empty", "-m", message, cwd=root)


def template(root: Path, settings: Files, folder: str, old: Files, new: Files) -> None:
    """Make a template with the two versions v1.0.0 and v2.0.0."""
    root.mkdir()
    run("git", "init", "-q", "-b", "main", cwd=root)
    for files, tag in ((old, "v1.0.0"), (new, "v2.0.0")):
        shutil.rmtree(root / folder, ignore_errors=True)
        write(root, settings)
        write(root / folder, {"kept.txt": "kept\n", **files})
        commit(root, tag)
        run("git", "tag", tag, cwd=root)


def work(root: Path, case: Case) -> None:
    """Do what the team does."""
    write(root, case.team)
    if case.moves:
        before, after = (root / path for path in case.moves)
        after.parent.mkdir(parents=True, exist_ok=True)
        before.rename(after)
    commit(root, "The team works")


COOKIECUTTER: Files = {"cookiecutter.json": json.dumps({"slug": SLUG})}


def by_cookiecutter(place: Path, case: Case) -> tuple[Path, int]:
    """``cookiecutter --overwrite-if-exists``."""
    source = place / "template"
    template(source, COOKIECUTTER, "{{cookiecutter.slug}}", case.old, case.new)
    command = [BIN / "cookiecutter", str(source), "--no-input", "--output-dir", str(place)]
    run("git", "checkout", "-q", "v1.0.0", cwd=source)
    run(*command, cwd=place)
    root = place / SLUG
    run("git", "init", "-q", "-b", "main", cwd=root)
    commit(root, "Generate")
    work(root, case)
    run("git", "checkout", "-q", "v2.0.0", cwd=source)
    return root, run(*command, "--overwrite-if-exists", cwd=place, ok=False)


def by_cruft(place: Path, case: Case) -> tuple[Path, int]:
    """``cruft update``."""
    source = place / "template"
    template(source, COOKIECUTTER, "{{cookiecutter.slug}}", case.old, case.new)
    run(BIN / "cruft", "create", source, "--no-input", "--checkout", "v1.0.0",
        "--output-dir", place, cwd=place)  # fmt: skip
    root = place / SLUG
    run("git", "init", "-q", "-b", "main", cwd=root)
    commit(root, "Generate")
    work(root, case)
    return root, run(BIN / "cruft", "update", "--skip-apply-ask", "--checkout", "v2.0.0",
                     cwd=root, ok=False)  # fmt: skip


COPIER: Files = {"copier.yml": "_subdirectory: files\n_templates_suffix: .jinja\n"}
ANSWERS: Files = {"{{_copier_conf.answers_file}}.jinja": "{{ _copier_answers|to_nice_yaml }}\n"}


def by_copier(place: Path, case: Case) -> tuple[Path, int]:
    """``copier update``."""
    source = place / "template"
    template(source, COPIER, "files", {**ANSWERS, **case.old}, {**ANSWERS, **case.new})
    root = place / SLUG
    run(BIN / "copier", "copy", "--quiet", "--defaults", "--vcs-ref", "v1.0.0", source, root,
        cwd=place)  # fmt: skip
    run("git", "init", "-q", "-b", "main", cwd=root)
    commit(root, "Generate")
    work(root, case)
    return root, run(BIN / "copier", "update", "--quiet", "--defaults", "--vcs-ref", "v2.0.0",
                     cwd=root, ok=False)  # fmt: skip


def by_ai_program(place: Path, case: Case) -> tuple[Path, int]:
    """``ai-program regenerate``, from the two renderings on."""
    team = Team(place / SLUG, {"kept.txt": "kept\n", **case.old})
    work(team.root, case)
    with contextlib.redirect_stdout(io.StringIO()):
        code = team.regenerate({"kept.txt": "kept\n", **case.new})
    return team.root, code


TOOLS = {
    "ai-program regenerate": by_ai_program,
    "copier update": by_copier,
    "cruft update": by_cruft,
    "cookiecutter -f": by_cookiecutter,
}


def lines(root: Path) -> set[str]:
    """Return every line below a folder."""
    return {
        line.strip("\r")
        for place in root.rglob("*")
        if place.is_file() and ".git" not in place.relative_to(root).parts
        for line in place.read_bytes().decode("utf-8", "replace").split("\n")
    }


def verdict(case: Case, root: Path, code: int) -> str:
    """Say in a few words what came out."""
    listed = subprocess.run(["git", "ls-files", "--unmerged"], cwd=root, capture_output=True,
                            check=True)  # fmt: skip
    there = lines(root)
    shown = bool(listed.stdout) or any(line.startswith("<<<<<<<") for line in there)
    rejected = any(root.rglob("*.rej"))
    wrote = content(case.team, team=True)
    wants = content(case.new, team=False) - content(case.old, team=False)
    problems = []
    if wrote - there:
        problems.append("the team's line is lost")
    back = [path for path, file in case.team.items() if file is None and case.expect.get(path, 1)
            is None and (root / path).exists()]  # fmt: skip
    back += [case.moves[0]] if case.moves and (root / case.moves[0]).exists() else []
    if back and not shown:
        problems.append("the deleted file is back")
    gone = [path for path, file in case.expect.items() if file is None and path in case.old
            and case.team.get(path, 1) is not None and (root / path).exists()
            and not (case.moves and case.moves[0] == path)]  # fmt: skip
    if gone and not shown and not rejected:
        problems.append("the file that the template took away stays")
    if wants - there and not shown and not rejected:
        problems.append("the template's change is lost")
    modes = [path for path, file in case.new.items() if isinstance(file, tuple)
             and file[0] == "100755" and not os.access(root / path, os.X_OK)]  # fmt: skip
    if modes:
        problems.append("the mode is lost")
    if problems:
        return f"**{', '.join(problems)}**" + (", exit 0" if code == 0 else f" (exit {code})")
    if rejected:
        return "a .rej file" + (", exit 0" if code == 0 else "")
    if shown:
        return "conflict shown" + (", exit 0" if code == 0 else "")
    if case.conflicts:
        return "**decided without a word**" if code == 0 else f"stopped (exit {code})"
    return "merged" if code == 0 else f"stopped (exit {code})"


def content(files: dict, *, team: bool) -> set[str]:
    """Return the lines of files; of the team's only those that nobody else has."""
    found = {
        line.strip("\r")
        for file in files.values()
        if file is not None
        for line in parts(file)[1].decode("utf-8", "replace").split("\n")
    }
    return {x for x in found if any(t in x for t in TEAM)} if team else found - {""}


def compared() -> str:
    """Return the table of the cases."""
    rows = [f"| case | {' | '.join(TOOLS)} |", f"|---|{'---|' * len(TOOLS)}"]
    for name in COMPARED:
        cells = []
        for tool in TOOLS.values():
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                try:
                    root, code = tool(Path(folder), CASES[name])
                    cells.append(verdict(CASES[name], root, code))
                except (RuntimeError, ValueError) as error:
                    cells.append("cannot hold such a template")
                    print(f"{name}: {error}", file=sys.stderr)
        rows.append(f"| {name} | {' | '.join(cells)} |")
        print(rows[-1], flush=True)
    return "\n".join(rows)


# Speed --------------------------------------------------------------------------------------------


def speed() -> str:
    """Return the table of the times: one changed file on the tree of the real template."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        source = folder / "ai-program"
        run("git", "clone", "-q", ROOT, source, cwd=folder)
        run(BIN / "cookiecutter", source, "--no-input", "--config-file",
            ROOT / "examples" / "demand-forecast.workshop.yaml", "-o", folder / "ours",
            cwd=folder)  # fmt: skip
        ours = next((folder / "ours").iterdir())
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ours, capture_output=True, check=True
        )
        tree: Files = {
            path: (ours / path).read_bytes() for path in listed.stdout.decode().split("\0") if path
        }
        changed = {**tree, "README.md": bytes(tree["README.md"]) + b"\nNewer.\n"}  # type: ignore[arg-type]
        template(folder / "copier", COPIER, "files", {**ANSWERS, **tree}, {**ANSWERS, **changed})
        theirs = folder / "theirs"
        run(BIN / "copier", "copy", "--quiet", "--defaults", "--vcs-ref", "v1.0.0",
            folder / "copier", theirs, cwd=folder)  # fmt: skip
        run("git", "init", "-q", "-b", "main", cwd=theirs)
        commit(theirs, "Generate")
        page = source / "{{cookiecutter.project_slug}}" / "README.md"
        page.write_text(page.read_text(encoding="utf-8") + "\nNewer.\n", encoding="utf-8")
        commit(source, "Newer")
        run("git", "tag", "v2.0.0", cwd=source)
        times: dict[str, list[float]] = {"ai-program regenerate": [], "copier update": []}
        for _ in range(RUNS):
            started = time.perf_counter()
            run(BIN / "ai-program", "regenerate", "--sprint", "bench", "--to", "v2.0.0", cwd=ours)
            times["ai-program regenerate"].append(time.perf_counter() - started)
            run(BIN / "ai-program", "abort", cwd=ours)
            started = time.perf_counter()
            run(BIN / "copier", "update", "--quiet", "--defaults", "--vcs-ref", "v2.0.0",
                cwd=theirs)  # fmt: skip
            times["copier update"].append(time.perf_counter() - started)
            run("git", "reset", "-q", "--hard", cwd=theirs)
            run("git", "clean", "-qfd", cwd=theirs)
    medians = {tool: statistics.median(found) for tool, found in times.items()}
    ratio = medians["ai-program regenerate"] / medians["copier update"]
    rows = ["| command | median of whole processes |", "|---|---|"]
    rows += [f"| {tool} | {median:.2f} s |" for tool, median in medians.items()]
    rows.append(f"| ratio | {ratio:.2f} |")
    print("\n".join(rows))
    return "\n".join(rows)


def versions() -> str:
    """Say what was measured with what."""
    tools = [f"{name} {metadata.version(name)}" for name in ("copier", "cruft", "cookiecutter")]
    git = subprocess.run(["git", "--version"], capture_output=True, check=True, text=True)
    python = ".".join(map(str, sys.version_info[:3]))
    number = git.stdout.removeprefix("git version ").strip()
    return f"Measured with {', '.join(tools)}, git {number} and Python {python}."


def main() -> int:
    """Print the tables, and write them into the page if asked to."""
    with tempfile.TemporaryDirectory(prefix="bench-home-") as home:
        (Path(home) / ".gitconfig").write_text(
            "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
        )
        os.environ.update(environment(Path(home)))
        tables = "\n\n".join(part() for part in (versions, compared, speed))
    if "--write" in sys.argv[1:]:
        text = PAGE.read_text(encoding="utf-8")
        head, _, rest = text.partition(MARKS[0])
        PAGE.write_text(
            f"{head}{MARKS[0]}\n\n{tables}\n\n{MARKS[1]}{rest.partition(MARKS[1])[2]}",
            encoding="utf-8",
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
