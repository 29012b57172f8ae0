"""Generation with the real cookiecutter: what it writes, what it refuses, and where it runs."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import (
    EXAMPLES,
    ROOT,
    VARIANTS,
    environment,
    git,
    run_cookiecutter,
)

from ai_program import lock, origin, workshop
from ai_program.origin import TEMPLATE_DIRECTORY

DEMAND = EXAMPLES / "demand-forecast.workshop.yaml"
# Runs a command if cookiecutter renders it; the place proves it.
INJECTION = "{{{{ cycler.__init__.__globals__.os.system('touch {}') }}}}"


def files(directory: Path) -> list[str]:
    return sorted(
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(directory).parts
    )


def contents(directory: Path) -> dict[str, tuple[int, str]]:
    """Return mode (without what the umask decides) and digest of each file."""
    return {
        path: (
            (directory / path).stat().st_mode & stat.S_IXUSR,
            hashlib.sha256((directory / path).read_bytes()).hexdigest(),
        )
        for path in files(directory)
    }


def kept(directory: Path, name: str = "workshop.rejected.yaml") -> dict:
    return yaml.safe_load((directory / name).read_text(encoding="utf-8"))["default_context"]


def nothing_generated(baked) -> bool:
    """Whether the run left nothing but the kept answers."""
    left = [entry.name for entry in baked.directory.iterdir()]
    return baked.returncode == 1 and all(name.startswith("workshop.rejected") for name in left)


# What is written ----------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_file_is_what_its_name_says(rendered, variant):
    root = rendered(variant)
    for path in files(root):
        data = (root / path).read_bytes()
        if path.endswith((".yaml", ".yml")):
            yaml.safe_load(data)
        elif path.endswith(".json"):
            json.loads(data)
        elif path.endswith(".toml"):
            tomllib.loads(data.decode())
        elif path.endswith(".py"):
            compile(data, path, "exec")
        elif path.endswith(".md") and data.startswith(b"---\n"):
            yaml.safe_load(data.split(b"---\n")[1])
        if not path.endswith(".gz"):
            assert b"\r" not in data, path
            assert data.endswith(b"\n"), path
            assert not data.endswith(b"\n\n"), path


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_template_syntax_is_left(rendered, variant):
    root = rendered(variant)
    patterns = workshop.load("layout.yaml")["verbatim"]
    for path in files(root):
        assert "cookiecutter" not in path
        if not any(fnmatch.fnmatch(path, pattern) for pattern in patterns):
            text = (root / path).read_text(encoding="utf-8")
            assert not re.search(r"\{\{|\{%|\{#|cookiecutter\.", text), path
            assert not re.search(
                r"\bUndefined\b|<built-in|\bNone\b(?=[,\]}]|$)", text
            ) or path.endswith((".py", ".json", ".md")), path


def test_a_file_is_copied_as_it_is_exactly_if_it_has_no_variables():
    """Rendering what has none costs time, and would run braces that are meant for Python."""
    patterns = workshop.load("layout.yaml")["verbatim"]
    listed = git(ROOT, "ls-files", "-co", "--exclude-standard", TEMPLATE_DIRECTORY).splitlines()
    for path in listed:
        name = path.removeprefix(f"{TEMPLATE_DIRECTORY}/")
        text = (ROOT / path).read_bytes()
        verbatim = any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
        uses_ours = b"cookiecutter" in text
        assert verbatim != uses_ours, name


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_lock_has_every_file_with_class_mode_and_digest(rendered, variant):
    root = rendered(variant)
    layout = yaml.safe_load((ROOT / "policies/layout.yaml").read_text(encoding="utf-8"))
    recorded = lock.read(root)
    assert set(recorded["files"]) == set(files(root)) - {lock.PATH}
    staged = {}
    for line in git(root, "ls-files", "--stage").splitlines():
        mode, path = line.split(" ")[0], line.split("\t")[1]
        staged[path] = mode
    assert set(staged) == set(files(root)), "something is ignored by git"
    for path, entry in recorded["files"].items():
        assert entry["class"] == lock.owner(path, layout)
        assert entry["mode"] == staged[path]
        blob = subprocess.run(
            ["git", "-C", str(root), "cat-file", "blob", f":{path}"],
            capture_output=True,
            check=True,
        ).stdout
        assert entry["digest"] == "sha256:" + hashlib.sha256(blob).hexdigest()


def test_the_lock_names_the_template_and_the_answers(demand, template):
    recorded = lock.read(demand)
    commit = git(template, "rev-parse", "HEAD")
    assert recorded["lock_version"] == 1
    assert recorded["template"] == {
        "source": template.as_posix(), "commit": commit, "version": "0.1.0", "dirty": False,
        "local": True}  # fmt: skip
    assert recorded["engine"] == {"source": template.as_posix(), "rev": commit, "version": "0.1.0"}
    given = yaml.safe_load((demand / "workshop.yaml").read_text(encoding="utf-8"))
    assert workshop.examine(given["default_context"]).answers == recorded["answers"]
    assert given["ai_program"] == {"schema_version": 1, "sprint": "sprint-01"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_first_commit_holds_everything_and_leaves_a_clean_tree(rendered, variant):
    root = rendered(variant)
    assert git(root, "status", "--porcelain", "--ignored") == ""
    assert git(root, "rev-list", "--count", "HEAD") == "1"
    assert git(root, "branch", "--show-current") == "main"
    assert git(root, "log", "-1", "--format=%an %ae") == "Ada ada@example.org"


@pytest.mark.parametrize("variant", VARIANTS)
def test_workshop_yaml_generates_the_same_repository_again(rendered, variant, bake):
    first = rendered(variant)
    again = bake(config=first / "workshop.yaml").path
    assert contents(again) == contents(first)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_use_case_without_a_pipeline_says_so(rendering, variant):
    baked = rendering(variant)
    use_case = lock.read(baked.path)["answers"]["use_case"]
    has_pipeline = workshop.profile(use_case)["pipeline"]
    assert ("There is no pipeline for" in baked.output) != has_pipeline
    assert ("nox -s pipeline" in baked.output) == has_pipeline
    assert any(path.startswith("src/") for path in files(baked.path)) == has_pipeline
    assert any(path.startswith("data/") for path in files(baked.path)) == has_pipeline


def test_no_input_gives_a_draft_and_says_why(rendering):
    baked = rendering("draft")
    assert baked.path.name == "my-ai-programme"
    assert "It is a draft and can't be promoted:" in baked.output
    assert "  - the banned practices of Art. 5(1) are not screened yet" in baked.output


def test_the_next_steps_are_short_and_true(rendering):
    output = rendering("demand").output
    assert "Demand Forecasting is in " in output
    assert "(demand forecasting, minimal tier, committed)" in output
    assert "draft" not in output
    assert "The hooks are pinned to a revision that only this machine has:" in output
    assert all(len(line) <= 110 for line in output.splitlines() if "/" not in line)


def test_only_what_is_executable_in_the_template_is_executable(demand):
    modes = lock.read(demand)["files"]
    executable = {path for path, entry in modes.items() if entry["mode"] == "100755"}
    listed = git(ROOT, "ls-files", "--stage", "{{cookiecutter.project_slug}}").splitlines()
    in_template = {
        line.split("\t")[1].split("/", 1)[1] for line in listed if line.startswith("100755")
    }
    assert executable == in_template


# Answers, typed -----------------------------------------------------------------------------------


def test_enter_through_the_prompts_is_the_same_as_no_input(bake, draft):
    typed = bake(typed="\n" * len(workshop.questions()))
    assert contents(typed.path) == contents(draft)


def answers_at_prompts(**answers: str) -> str:
    """Return what somebody types: simple questions come first, maps after them."""
    order = sorted(workshop.questions().items(), key=lambda item: item[1]["type"] == "map")
    return "".join(answers.get(key, "") + "\n" for key, _ in order)


def test_answers_are_taken_from_the_prompts(bake):
    baked = bake(typed=answers_at_prompts(
        program_name="Kälte & Wärme", use_case="4", sponsor="@sofia sofia@example.org",
        vulnerable_groups="y", rollback_minutes="45",
        key_results='{"roi": {"name": "ROI", "unit": "ratio", "direction": "increase",'
                    ' "baseline": 0.4, "target": 0.5}}',
    ))  # fmt: skip
    recorded = lock.read(baked.path)["answers"]
    assert baked.path.name == "kalte-warme"
    assert recorded["use_case"] == "inventory_optimization"
    assert recorded["sponsor"] == "@sofia sofia@example.org"
    assert (recorded["risk_tier"], recorded["rollback_minutes"]) == ("limited", 45)
    assert recorded["key_results"]["roi"]["target"] == 0.5


def test_typed_answers_are_refused_in_one_message_and_kept(bake):
    baked = bake(typed=answers_at_prompts(
        program_name="Demand", accountable_owner="@ada", validator="@ada", rollback_minutes="soon",
        first_sprint="tomorrow", key_results='{"mae": {"name": "MAE"}}',
    ))  # fmt: skip
    assert nothing_generated(baked)
    assert "Nothing was generated: the answers of the workshop have 7 problems." in baked.output
    assert "Traceback" not in baked.output
    assert "  validator: @ada is also the accountable owner\n" in baked.output
    assert "--no-input" not in baked.output.split("Mend them there")[1]
    saved = kept(baked.directory)
    assert saved["program_name"] == "Demand"
    assert saved["rollback_minutes"] == "soon"
    assert saved["key_results"] == {"mae": {"name": "MAE"}}
    assert set(saved) == set(workshop.questions())


def test_what_is_typed_is_a_value_and_never_a_template(bake, tmp_path):
    proof = tmp_path / "proof"
    questions = ("program_name", "problem_statement", "sponsor", "first_sprint")
    baked = bake(typed=answers_at_prompts(**dict.fromkeys(questions, INJECTION.format(proof))))
    assert nothing_generated(baked)
    for question in questions:
        assert f"{question}: contains template syntax" in baked.output
    assert not proof.exists()


def test_kept_answers_can_be_mended_and_used(bake, tmp_path):
    baked = bake(
        program_name="Demand", rollback_minutes="soon", objective="Größer: “besser” # nicht"
    )
    assert nothing_generated(baked)
    saved = baked.directory / "workshop.rejected.yaml"
    text = saved.read_text(encoding="utf-8")
    assert "  # refused: rollback_minutes: 'soon' is not a whole number" in text
    saved.write_text(
        text.replace("rollback_minutes: soon", "rollback_minutes: 20"), encoding="utf-8"
    )
    again = bake(config=saved, into=tmp_path / "again")
    recorded = lock.read(again.path)["answers"]
    assert recorded["rollback_minutes"] == 20
    assert recorded["objective"] == "Größer: “besser” # nicht"


def test_kept_answers_are_never_overwritten(bake):
    for expected in ("workshop.rejected.yaml", "workshop.rejected-2.yaml"):
        baked = bake(rollback_minutes="soon")
        assert f"Your answers are kept in {expected}." in baked.output
        assert (baked.directory / expected).is_file()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a place that nobody can write")
def test_answers_that_can_t_be_kept_are_shown(bake):
    baked = bake(into=Path("/proc"), rollback_minutes="soon")
    assert baked.returncode == 1
    assert "Your answers could not be kept in /proc/workshop.rejected.yaml" in baked.output
    assert "  rollback_minutes: soon\n" in baked.output


def test_the_command_to_try_again_is_the_one_that_was_given(bake, template):
    baked = bake("--output-dir", "some where", rollback_minutes="soon")
    expected = (
        f"  cookiecutter {template} --output-dir 'some where' --no-input"
        " --config-file workshop.rejected.yaml"
    )
    assert expected in baked.output


# Answers, in a file or at the command line --------------------------------------------------------


def test_a_bad_choice_in_a_file_stops_instead_of_dropping_what_follows(bake):
    baked = bake(
        program_name="Demand", use_case="weather", objective="Answered after the bad choice"
    )
    assert nothing_generated(baked)
    assert "  use_case: 'weather' is not a choice\n" in baked.output
    assert kept(baked.directory)["objective"] == "Answered after the bad choice"


def test_a_bad_choice_in_a_file_stops_although_warnings_are_off(bake, identified_home):
    env = environment(identified_home, PYTHONWARNINGS="ignore")
    baked = bake(use_case="weather", env=env)
    assert nothing_generated(baked)
    assert baked.output.startswith("Nothing was generated")


def test_a_bad_choice_stops_before_anything_is_asked(bake):
    baked = bake(use_case="weather", typed="\n" * 40)
    assert nothing_generated(baked)
    assert "What is the programme called?" not in baked.output


def test_an_answer_that_the_prompts_can_mend_is_asked_again(bake):
    baked = bake(rollback_minutes="soon", typed=answers_at_prompts(rollback_minutes="20"))
    assert lock.read(baked.path)["answers"]["rollback_minutes"] == 20


def test_an_unknown_question_is_refused(bake):
    baked = bake(progam_name="Demand")
    assert nothing_generated(baked)
    assert (
        "  progam_name: is not a question of the workshop\n    right: did you mean program_name?"
        in (baked.output)
    )


def test_a_misspelt_section_is_refused(bake, tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_text("default_contxt: {program_name: Demand}\n")
    baked = bake(config=path)
    assert nothing_generated(baked)
    assert "  default_contxt: is not a section of a configuration file\n" in baked.output


def test_an_answer_that_stands_twice_is_refused(bake, tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_text(
        "default_context:\n  objective: One\n  program_name: Demand\n  objective: Two\n"
    )
    baked = bake(config=path)
    assert nothing_generated(baked)
    assert "  objective: stands twice (line 4)\n" in baked.output


def test_answers_of_another_schema_version_are_refused(bake, tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_text("default_context: {program_name: Demand}\nai_program: {schema_version: 2}\n")
    baked = bake(config=path)
    assert nothing_generated(baked)
    assert "  ai_program: has another schema_version than this template\n" in baked.output


def test_a_user_s_own_configuration_serves_other_templates_too(bake, tmp_path):
    home = tmp_path / "home"
    env = environment(home)
    (home / ".cookiecutterrc").write_text(
        "default_context: {full_name: Ada, license: MIT, sponsor: '@sofia'}\n"
        "abbreviations: {mine: 'https://example.org/{0}'}\n"
    )
    baked = bake(env=env)
    assert lock.read(baked.path)["answers"]["sponsor"] == "@sofia"


def test_a_bad_answer_in_a_user_s_own_configuration_is_refused(bake, tmp_path):
    home = tmp_path / "home"
    env = environment(home)
    (home / ".cookiecutterrc").write_text(
        "default_context: {use_case: weather, sponsor: '@sofia'}\n"
    )
    baked = bake(env=env)
    assert nothing_generated(baked)
    assert "use_case: 'weather' is not a choice" in baked.output


def test_a_template_in_a_file_is_refused_before_it_is_rendered(bake, tmp_path):
    proof = tmp_path / "proof"
    questions = [
        key for key, question in workshop.questions().items()
        if question["type"] in {"text", "date", "person", "number", "list", "limit", "sprint"}
    ]  # fmt: skip
    baked = bake(**dict.fromkeys(questions, INJECTION.format(proof)))
    assert nothing_generated(baked)
    for question in questions:
        assert f"  {question}: contains template syntax ({{{{)\n" in baked.output
    assert not proof.exists()


def test_a_template_within_a_map_is_refused_before_it_is_rendered(bake, tmp_path):
    proof = tmp_path / "proof"
    for answers in (
        {INJECTION.format(proof): {"owner": "data_owner", "description": "Key"}},
        {"crm": {"owner": "data_owner", "description": INJECTION.format(proof)}},
    ):
        baked = bake(data_sources=answers)
        assert nothing_generated(baked)
        assert "  data_sources: contains template syntax ({{)\n" in baked.output
        assert not proof.exists()


def test_a_template_at_the_command_line_is_refused_before_it_is_rendered(bake, tmp_path):
    proof = tmp_path / "proof"
    baked = bake(f"program_name={INJECTION.format(proof)}", "use_case=personalization")
    assert nothing_generated(baked)
    assert not proof.exists()
    assert kept(baked.directory)["use_case"] == "personalization"


@pytest.mark.parametrize(
    "private",
    [
        {"_extensions": []},
        {"_extensions": [], "__guard": []},
        {"_extensions": [], "__guard": "off"},
        {"_extensions": [], "__guard": {}},
        {"_extensions": [], "__checked": {"answers": "yes"}},
        {"__checked": "yes"},
        {"_copy_without_render": []},
    ],
    ids=json.dumps,
)
def test_the_examination_can_t_be_switched_off(bake, tmp_path, private):
    proof = tmp_path / "proof"
    injection = {"program_name": INJECTION.format(proof)}
    for number, answers in enumerate(({**injection, **private}, {**private, **injection})):
        baked = bake(into=tmp_path / str(number), **answers)
        assert nothing_generated(baked)
        assert not proof.exists()


def test_the_template_s_own_settings_are_nobody_s_to_answer(bake):
    baked = bake(__checked={"answers": "yes"})
    assert nothing_generated(baked)
    assert "  __checked: is the template's own setting\n" in baked.output


@pytest.mark.parametrize("name", ["../evil", "..\\evil"])
def test_a_name_can_t_lead_out_of_the_directory(bake, tmp_path, name):
    baked = bake(program_name=name)
    assert nothing_generated(baked)
    assert "program_name:" in baked.output
    assert not list(tmp_path.glob("**/evil"))


def test_the_directory_s_name_can_t_be_answered(bake):
    baked = bake(program_name="Demand", project_slug="../evil")
    assert nothing_generated(baked)
    assert "  project_slug: is not a question of the workshop\n" in baked.output


def test_a_directory_that_exists_is_said_while_the_answers_can_be_kept(bake, tmp_path):
    (tmp_path / "out" / "demand").mkdir(parents=True)
    baked = bake(program_name="Demand")
    assert baked.returncode == 1
    assert "  program_name: the directory demand exists\n" in baked.output
    assert kept(baked.directory) == {"program_name": "Demand"}
    assert files(tmp_path / "out" / "demand") == []


def test_a_choice_that_does_not_exist_writes_nothing_at_the_command_line_either(bake):
    """Here cookiecutter stops by itself, before it loads any of ours, with a message of its own.

    Only a pre_prompt hook would run earlier. It is not told the answers, and costs a copy of the
    whole template in each run; and choices that are free text would lose their menus.
    """
    baked = bake("use_case=weather")
    assert baked.returncode == 1
    assert "weather provided for choice variable use_case" in baked.output
    assert nothing_generated(baked)


# Replay -------------------------------------------------------------------------------------------


def test_a_replay_is_examined_too(bake, template, tmp_path):
    env = environment(tmp_path / "home")
    first = bake(env=env, program_name="Demand")
    replay = next((tmp_path / "home" / ".cookiecutter_replay").glob("*.json"))
    again = run_cookiecutter(template, tmp_path / "again", "--replay", env=env)
    assert contents(again.path) == contents(first.path)
    frozen = json.loads(replay.read_text())
    for change, message in [
        ({"project_slug": "../evil"}, "project_slug: '../evil' does not follow from the answers"),
        ({"accountable_owner": "@ada", "validator": "@ada"}, "@ada is also the accountable owner"),
        (
            {"objective": INJECTION.format(tmp_path / "proof")},
            "objective: contains template syntax",
        ),
    ]:
        changed = {**frozen, "cookiecutter": {**frozen["cookiecutter"], **change}}
        replay.write_text(json.dumps(changed))
        refused = run_cookiecutter(template, tmp_path / "refused", "--replay", env=env)
        assert nothing_generated(refused)
        assert message in refused.output
        assert not (tmp_path / "evil").exists()
        assert not (tmp_path / "proof").exists()


# Where it runs ------------------------------------------------------------------------------------


def test_without_an_identity_everything_is_staged_and_the_command_printed(bake, tmp_path):
    baked = bake(config=DEMAND, env=environment(tmp_path / "nobody"))
    root = baked.path
    assert "Everything is staged; git does not know yet who commits." in baked.output
    assert (
        "  git commit -m 'Generate Demand Forecasting from its workshop of 2026-11-16'\n"
        in baked.output
    )
    assert set(git(root, "diff", "--cached", "--name-only").splitlines()) == set(files(root))
    with pytest.raises(subprocess.CalledProcessError):
        git(root, "rev-parse", "HEAD")


def test_the_printed_commands_work(bake, tmp_path):
    env = environment(tmp_path / "nobody")
    baked = bake(config=DEMAND, env=env)
    commands = [line.strip() for line in baked.output.splitlines() if line.startswith("  git ")]
    assert len(commands) == 3
    for command in commands:
        subprocess.run(command, shell=True, cwd=baked.path, env=env, check=True)
    assert git(baked.path, "status", "--porcelain") == ""
    assert git(baked.path, "log", "-1", "--format=%s") == (
        "Generate Demand Forecasting from its workshop of 2026-11-16"
    )


def test_an_identity_in_the_environment_is_an_identity(bake, tmp_path):
    env = environment(
        tmp_path / "nobody",
        GIT_AUTHOR_NAME="Eve",
        GIT_AUTHOR_EMAIL="eve@example.org",
        GIT_COMMITTER_NAME="Eve",
        GIT_COMMITTER_EMAIL="eve@example.org",
    )
    assert git(bake(env=env).path, "log", "-1", "--format=%ae") == "eve@example.org"


def test_a_user_s_hooks_and_signing_don_t_stop_the_first_commit(bake, tmp_path):
    home = tmp_path / "home"
    env = environment(home)
    hooks = home / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "commit-msg", "prepare-commit-msg", "post-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {home}/ran\nexit 1\n")
        (hooks / name).chmod(0o755)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n\tsigningkey = none\n"
        "[commit]\n\tgpgsign = true\n"
        f"[core]\n\thooksPath = {hooks}\n\texcludesFile = {home}/ignored\n\tautocrlf = true\n"
        "[init]\n\tdefaultBranch = trunk\n")  # fmt: skip
    (home / "ignored").write_text("*.yaml\nsrc\n")
    root = bake(env=env).path
    assert git(root, "rev-list", "--count", "HEAD") == "1"
    assert set(git(root, "ls-files").splitlines()) == set(files(root))
    assert not (home / "ran").exists()
    assert b"\r" not in (root / "workshop.yaml").read_bytes()


def test_inside_another_repository_git_is_not_touched(bake, tmp_path, identified_home):
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    before = contents(outer / ".git")
    baked = bake(into=outer / "inner")
    assert f"This directory lies inside {outer}, so git was not touched." in baked.output
    assert not (baked.path / ".git").exists()
    assert contents(outer / ".git") == before
    assert git(outer, "status", "--porcelain") == "?? inner/"


@pytest.mark.parametrize("variables", [["GIT_DIR", "GIT_WORK_TREE"], ["GIT_INDEX_FILE"]])
def test_git_variables_of_another_repository_are_not_followed(
    bake, tmp_path, identified_home, variables
):
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    places = {"GIT_DIR": outer / ".git", "GIT_INDEX_FILE": outer / ".git" / "index",
              "GIT_WORK_TREE": outer}  # fmt: skip
    before = contents(outer / ".git")
    env = environment(identified_home, **{name: str(places[name]) for name in variables})
    root = bake(env=env).path
    assert git(root, "rev-list", "--count", "HEAD") == "1"
    assert contents(outer / ".git") == before
    assert lock.read(root)["template"]["dirty"] is False


def test_an_existing_repository_is_not_committed_to(bake):
    first = bake(program_name="Demand")
    commit = git(first.path, "rev-parse", "HEAD")
    again = bake("-f", program_name="Demand", rollback_minutes=45)
    assert git(again.path, "rev-parse", "HEAD") == commit
    assert "There is a repository here already: see what changed." in again.output


def test_git_trouble_after_rendering_is_told_and_not_fatal(bake, tmp_path, identified_home):
    """A git that can read, and no longer write: the files are good, so they stay."""
    tools = tmp_path / "bin"
    tools.mkdir()
    real = shutil.which("git")
    (tools / "git").write_text(
        f'#!/bin/sh\ncase " $* " in *" init "*) echo "fatal: no space left" >&2; exit 128;; esac\n'
        f'exec {real} "$@"\n')  # fmt: skip
    (tools / "git").chmod(0o755)
    env = environment(identified_home, PATH=f"{tools}{os.pathsep}{os.environ['PATH']}")
    baked = bake(env=env)
    assert "git could not make a repository:\n  fatal: no space left\n" in baked.output
    assert "  git init -b main\n  git add --all\n  git commit -m " in baked.output
    assert lock.read(baked.path)["lock_version"] == 1


def test_without_git_the_message_says_so(bake, tmp_path, identified_home):
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python").symlink_to(sys.executable)
    baked = bake(env=environment(identified_home, PATH=str(tools)))
    assert nothing_generated(baked)
    assert baked.output.startswith("git is not installed, or not on the PATH.")


def test_the_same_answers_give_the_same_files_everywhere(bake, tmp_path, demand):
    other = environment(
        tmp_path / "another home",
        TZ="Pacific/Kiritimati",
        LANG="tr_TR.UTF-8",
        LC_ALL="C",
        SOURCE_DATE_EPOCH="4102444800",
        PYTHONHASHSEED="7",
        COLUMNS="40",
        PYTHONUTF8="0",
    )
    again = bake(
        config=demand / "workshop.yaml", env=other, umask=0o077, into=tmp_path / "else" / "where"
    )
    assert contents(again.path) == contents(demand)


# The template -------------------------------------------------------------------------------------


@pytest.fixture
def own_template(template, tmp_path) -> Path:
    """Return a copy of the template that a test may change."""
    return Path(shutil.copytree(template, tmp_path / "own" / "ai-program", symlinks=True))


def test_a_template_with_changes_is_refused(own_template, identified_home, tmp_path):
    (own_template / "README.md").write_text("changed\n")
    (own_template / "new file").write_text("new\n")
    env = environment(identified_home)
    baked = run_cookiecutter(own_template, tmp_path / "out", "--no-input", env=env)
    assert nothing_generated(baked)
    assert list(baked.directory.iterdir()) == []
    assert baked.output == (
        f"The template in {own_template} has changes that no commit holds:\n"
        "  README.md\n"
        "  new file\n"
        "A repository generated now could not be traced to a revision. Commit them, or take\n"
        "them away (AI_PROGRAM_DEVELOPMENT=1 generates all the same, marked as dirty).\n"
    )


def test_an_ignored_file_that_would_be_rendered_is_a_change(
    own_template, identified_home, tmp_path
):
    (own_template / "{{cookiecutter.project_slug}}" / "uv.lock").write_text("ignored\n")
    (own_template / ".venv").mkdir()
    (own_template / ".venv" / "elsewhere").write_text("no matter\n")
    baked = run_cookiecutter(
        own_template, tmp_path / "out", "--no-input", env=environment(identified_home)
    )
    assert baked.returncode == 1
    assert "  {{cookiecutter.project_slug}}/uv.lock\n" in baked.output
    assert "elsewhere" not in baked.output


def test_development_generates_from_changes_and_marks_it(own_template, identified_home, tmp_path):
    (own_template / "new file").write_text("new\n")
    env = environment(identified_home, AI_PROGRAM_DEVELOPMENT="1")
    baked = run_cookiecutter(own_template, tmp_path / "out", "--no-input", env=env)
    assert lock.read(baked.path)["template"]["dirty"] is True
    assert lock.read(baked.path)["template"]["local"] is True


def test_a_template_without_history_is_refused(template, identified_home, tmp_path):
    unpacked = tmp_path / "ai-program-main"
    shutil.copytree(template, unpacked, ignore=shutil.ignore_patterns(".git"))
    archive = Path(shutil.make_archive(str(tmp_path / "template"), "zip", tmp_path, unpacked.name))
    env = environment(identified_home)
    for place in (unpacked, archive):
        baked = run_cookiecutter(place, tmp_path / "out", "--no-input", env=env)
        assert nothing_generated(baked), baked.output
        assert " is not a git checkout with a commit (a zip file has none)," in baked.output


def test_a_template_within_another_repository_does_not_take_its_commit(
    template, identified_home, tmp_path
):
    outer = tmp_path / "outer"
    outer.mkdir()
    env = environment(identified_home)
    git(outer, "init", "--quiet", env=env)
    git(outer, "commit", "--quiet", "--allow-empty", "--message", "Outer", env=env)
    inner = outer / "ai-program"
    shutil.copytree(template, inner, ignore=shutil.ignore_patterns(".git"))
    baked = run_cookiecutter(inner, tmp_path / "out", "--no-input", env=env)
    assert nothing_generated(baked)
    assert "is not a git checkout" in baked.output


def test_without_hooks_nothing_is_generated(bake):
    baked = bake("--accept-hooks", "no")
    assert nothing_generated(baked)
    assert baked.output.startswith("This template needs its hooks:")


def test_a_pushed_revision_is_pinned_by_its_address(template, tmp_path):
    """`insteadOf` stands in for GitHub: the address is the real one, the bytes come from here."""
    home = tmp_path / "home"
    env = environment(home)
    bare = tmp_path / "server" / "org" / "ai-program.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(template), str(bare), env=env)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n"
        f'[url "{bare.parent.parent.as_uri()}/"]\n\tinsteadOf = https://github.com/\n'
    )
    baked = run_cookiecutter("gh:org/ai-program", tmp_path / "out", "--no-input", env=env)
    recorded = lock.read(baked.path)
    assert recorded["template"] == {
        "source": "https://github.com/org/ai-program.git",
        "commit": git(template, "rev-parse", "HEAD"),
        "version": "0.1.0", "dirty": False, "local": False,
    }  # fmt: skip
    assert "only this machine" not in baked.output
    config = yaml.safe_load((baked.path / ".pre-commit-config.yaml").read_text())
    assert config["repos"][0]["repo"] == "https://github.com/org/ai-program.git"
    assert config["repos"][0]["rev"] == recorded["engine"]["rev"]


def test_an_unpushed_revision_is_local(template, tmp_path):
    home = tmp_path / "home"
    env = environment(home)
    clone = tmp_path / "ai-program"
    git(tmp_path, "clone", "--quiet", str(template), str(clone), env=env)
    git(clone, "remote", "set-url", "origin", "https://ada:secret@github.com/org/ai-program.git")
    pushed = origin.describe(clone, env)
    assert (pushed["source"], pushed["local"]) == ("https://github.com/org/ai-program.git", False)
    git(
        clone,
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=ada@example.org",
        "commit",
        "--quiet",
        "--allow-empty",
        "--message",
        "Not pushed",
        env=env,
    )
    unpushed = origin.describe(clone, env)
    assert (unpushed["source"], unpushed["local"]) == (clone.as_posix(), True)


@pytest.mark.parametrize(
    ("address", "remote", "shown"),
    [
        ("https://github.com/org/x.git", True, "https://github.com/org/x.git"),
        ("https://user:token@host/org/x.git", True, "https://host/org/x.git"),
        ("https://token@host:8443/x", True, "https://host:8443/x"),
        ("git@github.com:org/x.git", True, "git@github.com:org/x.git"),
        ("ssh://git:secret@host/x.git", True, "ssh://git@host/x.git"),
        ("ssh://git@host/x.git", True, "ssh://git@host/x.git"),
        ("file:///srv/x.git", False, "file:///srv/x.git"),
        ("/srv/x.git", False, "/srv/x.git"),
        ("../x", False, "../x"),
        ("C:/templates/x", False, "C:/templates/x"),
        ("", False, ""),
    ],
)
def test_an_address_is_remote_or_not_and_never_shows_a_secret(address, remote, shown):
    assert origin.is_remote(address) == remote
    assert origin.without_credentials(address) == shown


def test_the_modules_of_two_templates_don_t_mix(template, identified_home, tmp_path):
    """The modules of the template that runs are used, whatever else is installed."""
    changed = Path(shutil.copytree(template, tmp_path / "changed" / "ai-program"))
    path = changed / "src" / "ai_program" / "__init__.py"
    path.write_text(path.read_text().replace('"0.1.0"', '"0.2.0"'))
    env = environment(identified_home)
    git(
        changed,
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@example.org",
        "commit",
        "--quiet",
        "--all",
        "--message",
        "Raise",
        env=env,
    )
    baked = run_cookiecutter(changed, tmp_path / "out", "--no-input", env=env)
    assert lock.read(baked.path)["template"]["version"] == "0.2.0"
    both = (
        "from cookiecutter.main import cookiecutter\n"
        f"cookiecutter({str(template)!r}, no_input=True, output_dir='one')\n"
        f"cookiecutter({str(changed)!r}, no_input=True, output_dir='two')\n"
    )
    done = subprocess.run([sys.executable, "-c", both], cwd=tmp_path, env=env, check=False,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 1
    assert "Run cookiecutter once per process." in done.stderr
    assert (tmp_path / "one" / "my-ai-programme").is_dir()
    assert not (tmp_path / "two").exists()
