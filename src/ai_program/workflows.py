"""What a gate in CI must keep, and how a workflow falls short of it.

``policies/workflows.yaml`` holds the shape of each gate workflow of the template: its triggers
and, for each job, when it runs, what it needs, what its token may do and its steps. Runners, time
limits, versions of actions and tools, further jobs and further pinned actions belong to the team.
The rest is compared exactly, because a list of forbidden tricks (``|| true``, ``if: false``,
``continue-on-error``, another shell, a variable that skips) is never complete.

Pure functions over plain values, which whoever opens a pull request writes. Nothing is imported,
because this module is on the hook's path.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    Keys = tuple[str | int, ...]
    Problem = tuple[Keys, str]  # where in the document, and what is wrong there

_KEYS_OF_WORKFLOW = frozenset(
    ("name", "run-name", "on", "permissions", "jobs", "env", "concurrency")
)
_EXACT_OF_JOB = ("if", "environment", "outputs")
_KEYS_OF_JOB = frozenset(
    (
        *("name", "runs-on", "timeout-minutes", "concurrency", "container"),
        *("needs", "permissions", "steps", "env", *_EXACT_OF_JOB),
    )
)
_EXACT_OF_STEP = ("if", "shell", "working-directory", "continue-on-error")
_KEYS_OF_STEP = frozenset(
    ("name", "id", "timeout-minutes", "uses", "run", "with", "env", *_EXACT_OF_STEP)
)
# Inputs that say which version of a tool is wanted, fetch more of the same commit, or keep reports.
_FREE_INPUTS = frozenset(
    ("python-version", "lfs", "submodules", "path", "if-no-files-found", "retention-days")
)
# When in the week, and with which questions: the team's.
_BY_TEAM = ("schedule", "workflow_dispatch")
# These run with the base's token on what a stranger proposes; only the policy workflow may.
_PRIVILEGED = ("pull_request_target", "workflow_run")
_LEVELS = {"none": 0, "read": 1, "write": 2}
_SHA_LENGTHS = (40, 64)


# --- The shape of a workflow ----------------------------------------------------------------


def shape(workflow: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a workflow of the template a team's version has to keep."""
    found: dict[str, Any] = {"triggers": _triggers(workflow.get("on"))}
    concurrency = workflow.get("concurrency")
    if isinstance(concurrency, dict) and "queue" in concurrency:
        found["concurrency"] = concurrency  # releases queue up, they don't replace each other
    found["jobs"] = {name: _job_shape(job) for name, job in workflow["jobs"].items()}
    return found


def _job_shape(job: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {key: job[key] for key in _EXACT_OF_JOB if key in job}
    if "needs" in job:
        found["needs"] = _names(job["needs"])
    found["permissions"] = job.get("permissions", {})
    found["steps"] = [_step_shape(step) for step in job["steps"]]
    return found


def _step_shape(step: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "uses" in step:
        found["uses"] = step["uses"].partition("@")[0]
        inputs = {k: v for k, v in step.get("with", {}).items() if k not in _FREE_INPUTS}
        if inputs:
            found["with"] = inputs
    else:
        found["run"] = command(step["run"])
    found |= {key: step[key] for key in ("env", *_EXACT_OF_STEP) if key in step}
    return found


def command(text: object) -> str:
    """Return a command without the versions of the tools it installs: ``nox==*``."""
    words = str(text).strip().split(" ")
    for index, word in enumerate(words):
        name, pinned, version = word.partition("==")
        is_version = pinned and version and not version.strip("0123456789.")
        if is_version and name.replace("-", "_").isidentifier():
            words[index] = f"{name}==*"
    return " ".join(words)


# --- A gate workflow against its shape ------------------------------------------------------


def departures(
    workflow: Mapping[str, Any], expected: Mapping[str, Any], variables: frozenset[str]
) -> Iterator[Problem]:
    """Yield how a gate workflow departs from its shape.

    ``variables`` are the environment variables that a team may set: those that say where packages
    come from. Any other could lead a gate to another program, or tell it to skip.
    """
    yield from _unexpected(workflow, _KEYS_OF_WORKFLOW, "a gate workflow")
    yield from _trigger_departures(workflow, expected["triggers"])
    yield from _variable_departures(("env",), workflow.get("env"), {}, variables)
    if workflow.get("permissions") != {}:
        yield ("permissions",), "the workflow's own permissions are not {}, so every job has them"
    wanted = expected.get("concurrency")
    if wanted and workflow.get("concurrency") != wanted:
        yield ("concurrency",), f"{_is(workflow, expected, 'concurrency')}: releases queue up"
    jobs = _mapping(workflow.get("jobs"))
    for name, shape_of_job in expected["jobs"].items():
        if not isinstance(jobs.get(name), dict):
            yield ("jobs",), f"the job `{name}` is gone"
            continue
        for keys, message in _job_departures(jobs[name], shape_of_job, variables):
            yield ("jobs", name, *keys), f"job `{name}`: {message}"
    if _is_by_hand(expected):
        yield from _bypasses(jobs, expected["jobs"])


def _is_by_hand(expected: Mapping[str, Any]) -> bool:
    return list(expected["triggers"]) == ["workflow_dispatch"]


def _bypasses(jobs: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[Problem]:
    """In a release workflow nothing runs beside the gates or regardless of them."""
    for name, job in jobs.items():
        if name in expected:
            continue
        if not _mapping(job).get("needs"):
            yield ("jobs", name), f"job `{name}` needs none of the gates"
        condition = str(_mapping(job).get("if", ""))
        if any(word in condition.lower() for word in ("always", "failure", "cancelled")):
            yield ("jobs", name, "if"), f"job `{name}` runs although its gates failed"


def _trigger_departures(
    workflow: Mapping[str, Any], expected: Mapping[str, Any]
) -> Iterator[Problem]:
    triggers = triggers_of(workflow)
    for event, wanted in expected.items():
        if event not in triggers:
            yield ("on",), f"no longer runs on `{event}`"
            continue
        if event == "schedule" and not _has_time(workflow["on"]):
            yield ("on", event), "`schedule` names no time at which it would run"
        have = _mapping(triggers[event])
        for key in sorted({*have, *wanted}):
            if have.get(key) != wanted.get(key):
                yield (
                    ("on", event, key),
                    (
                        f"`{event}`: {_is(have, wanted, key)}; "
                        "a gate that a filter skips never reports"
                    ),
                )
    if list(expected) == ["workflow_dispatch"]:
        for event in triggers:
            if event not in expected:
                yield ("on", event), f"runs on `{event}`; a release is started by a person"


def _job_departures(
    job: Mapping[str, Any], expected: Mapping[str, Any], variables: frozenset[str]
) -> Iterator[Problem]:
    if "uses" in job:
        yield ("uses",), f"is handed to {job['uses']}, whose steps are not the gate's"
        return
    yield from _unexpected(job, _KEYS_OF_JOB, "the gate")
    for key in _EXACT_OF_JOB:
        if job.get(key) != expected.get(key):
            yield (
                (key,),
                _is(job, expected, key)
                + ("; a job that is skipped counts as success" if key == "if" else ""),
            )
    needs = _names(job.get("needs", []))
    for name in expected.get("needs", ()):
        if name not in needs:
            yield ("needs",), f"no longer needs `{name}`"
    yield from _container_departures(job.get("container"))
    yield from _permission_departures(job, expected)
    yield from _variable_departures(("env",), job.get("env"), {}, variables)
    yield from _step_departures(job.get("steps"), expected["steps"], variables)


def _permission_departures(
    job: Mapping[str, Any], expected: Mapping[str, Any]
) -> Iterator[Problem]:
    allowed = expected["permissions"]
    given = job.get("permissions", {})
    if not isinstance(given, dict):
        yield ("permissions",), f"the token may do {given}, the gate needs {_flow(allowed)}"
        return
    for scope, level in given.items():
        if scope == "id-token" and "environment" in expected:
            continue  # the way to a cloud without a stored secret, behind the environment's wall
        if _LEVELS.get(str(level), 2) > _LEVELS[allowed.get(scope, "none")]:
            yield (
                ("permissions", scope),
                (f"the token may {level} {scope}, the gate needs {_flow(allowed)}"),
            )


def _container_departures(container: object) -> Iterator[Problem]:
    if container is None:
        return
    image = container.get("image") if isinstance(container, dict) else container
    if "@sha256:" not in str(image):
        yield ("container",), f"the image {image} is not pinned by digest"
    for key in container if isinstance(container, dict) else ():
        if key not in {"image", "credentials"}:
            yield ("container", key), f"`{key}` is not part of the gate"


def _step_departures(
    actual: object, expected: list[dict[str, Any]], variables: frozenset[str]
) -> Iterator[Problem]:
    """Compare the steps in order; further pinned actions may stand between them."""
    steps = actual if isinstance(actual, list) else []
    at = 0
    for wanted in expected:
        found = next((i for i in range(at, len(steps)) if _is_step(steps[i], wanted)), None)
        if found is not None:
            for index in range(at, found):
                yield from _foreign_step(index, steps[index])
            for keys, message in _inside_step(steps[found], wanted, variables):
                yield ("steps", found, *keys), message
            at = found + 1
        elif at < len(steps) and not any(_is_step(steps[at], other) for other in expected):
            yield ("steps", at), f"{_does(steps[at])} where the gate {_does(wanted)}"
            at += 1
        else:
            yield ("steps",), f"the step that {_does(wanted)} is gone from its place"
    for index in range(at, len(steps)):
        yield from _foreign_step(index, steps[index])


def _is_step(step: object, wanted: Mapping[str, Any]) -> bool:
    if not isinstance(step, dict):
        return False
    if "uses" in wanted:
        name: str = wanted["uses"]
        return str(step.get("uses")).partition("@")[0].lower() == name.lower()
    return "uses" not in step and command(step.get("run")) == wanted["run"]


def _foreign_step(index: int, step: object) -> Iterator[Problem]:
    """Yield unless it is a pinned action: those are the team's (credentials, caches)."""
    uses = step.get("uses") if isinstance(step, dict) else None
    if uses is None or str(uses).startswith((".", "docker:")):
        yield ("steps", index), f"{_does(step)}, which is not part of the gate"


def _does(step: object) -> str:
    if isinstance(step, dict) and "uses" in step:
        return f"uses {str(step['uses']).partition('@')[0]}"
    return f"runs {_short(command(step.get('run') if isinstance(step, dict) else step))}"


def _inside_step(
    step: Mapping[str, Any], wanted: Mapping[str, Any], variables: frozenset[str]
) -> Iterator[Problem]:
    yield from _unexpected(step, _KEYS_OF_STEP, "the step")
    for key in _EXACT_OF_STEP:
        if step.get(key) != wanted.get(key):
            yield (key,), f"{_is(step, wanted, key)} where it {_does(wanted)}"
    yield from _variable_departures(("env",), step.get("env"), wanted.get("env", {}), variables)
    given, inputs = step.get("with"), wanted.get("with", {})
    for key in sorted({*_mapping(given), *inputs}):
        if key not in _FREE_INPUTS and _mapping(given).get(key) != inputs.get(key):
            yield ("with", key), f"{_is(_mapping(given), inputs, key)} where it {_does(wanted)}"


def _variable_departures(
    at: Keys, actual: object, expected: Mapping[str, Any], variables: frozenset[str]
) -> Iterator[Problem]:
    if actual is not None and not isinstance(actual, dict):
        yield at, "the variables are not written out"
    given = _mapping(actual)
    for name, value in given.items():
        if name not in expected and name not in variables:
            yield (*at, name), f"the variable {name} may change what the gate does"
        elif name in expected and value != expected[name]:
            yield (*at, name), f"the variable {name} is no longer {_short(expected[name])}"
    for name in expected:
        if name not in given:
            yield at, f"the variable {name} is gone"


def _unexpected(actual: Mapping[str, Any], known: frozenset[str], what: str) -> Iterator[Problem]:
    for key in actual:
        if key not in known:
            yield (key,), f"`{key}` is not part of {what}"


# --- What holds for every workflow ----------------------------------------------------------


def faults(
    workflow: Mapping[str, Any], checks: Sequence[str], releases: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield what no workflow may do, whoever wrote it.

    ``checks`` are the required checks that other workflows report; ``releases`` maps words of
    commands that release something to the one workflow that may run them.
    """
    triggers = _triggers(workflow.get("on"))
    for event in _PRIVILEGED:
        if event in triggers:
            yield (
                ("on", event),
                (
                    f"`{event}` gives the base's token to what a pull request brings; "
                    "only the policy workflow runs on it"
                ),
            )
    jobs = _mapping(workflow.get("jobs"))
    yield from _permission_faults(workflow, jobs)
    for name, job in jobs.items():
        job_ = _mapping(job)
        yield from _name_faults(name, job_, checks)
        if "uses" in job_:
            yield from unpinned(("jobs", name), job_)
        steps = job_.get("steps")
        for index, step in enumerate(steps if isinstance(steps, list) else ()):
            at: Keys = ("jobs", name, "steps", index)
            yield from unpinned(at, step)
            yield from _release_faults(at, step, releases)


def unpinned(at: Keys, step: object) -> Iterator[Problem]:
    """Yield if what a step (or a job) uses can change behind a name that stays the same."""
    uses = _mapping(step).get("uses")
    if uses is None or str(uses).startswith("./"):
        return
    name, _, version = str(uses).partition("@")
    if name.startswith("docker://"):
        pinned = version.startswith("sha256:") and len(version) == 71
    else:
        pinned = len(version) in _SHA_LENGTHS and not version.strip("0123456789abcdef")
    if not pinned:
        yield (*at, "uses"), f"{uses} is not pinned to a commit; whoever moves the name runs here"


def _permission_faults(workflow: Mapping[str, Any], jobs: Mapping[str, Any]) -> Iterator[Problem]:
    places: list[tuple[Keys, object]] = [(("permissions",), workflow.get("permissions"))]
    if "permissions" not in workflow:
        for name, job in jobs.items():
            if "permissions" not in _mapping(job):
                yield (
                    ("jobs", name),
                    (
                        f"job `{name}` has whatever permissions the repository's settings give: "
                        "say which ones it needs"
                    ),
                )
    places += [
        (("jobs", n, "permissions"), _mapping(j).get("permissions")) for n, j in jobs.items()
    ]
    for at, given in places:
        if given == "write-all":
            yield at, "write-all lets every step change the repository"
        for scope in ("checks", "statuses"):
            if _mapping(given).get(scope) == "write":
                yield (*at, scope), (f"{scope}: write could report a required check that never ran")


def _name_faults(name: str, job: Mapping[str, Any], checks: Sequence[str]) -> Iterator[Problem]:
    """Yield if the job reports under the name of a required check, so that either may count."""
    shown = str(job.get("name", name))
    before, computed, _ = shown.partition("${{")
    after = shown.rpartition("}}")[2]
    for check in checks:
        if shown == check or (computed and check.startswith(before) and check.endswith(after)):
            yield (
                ("jobs", name),
                (
                    f"job `{name}` reports as {_short(shown)}, which may pass for "
                    f"the required check `{check}`"
                ),
            )
            return


def _release_faults(at: Keys, step: object, releases: Mapping[str, str]) -> Iterator[Problem]:
    run = _mapping(step).get("run")
    words = str(run or "").split()
    for word, home in releases.items():
        if word in words:
            yield (*at, "run"), f"runs {_short(run)} outside {home}, beside its gates"


# --- The ruleset ----------------------------------------------------------------------------


def ruleset_gaps(
    ruleset: object, wanted: Mapping[str, Any], checks: Sequence[str]
) -> Iterator[Problem]:
    """Yield where the file that protects the default branch asks for less than it should."""
    given = _mapping(ruleset)
    for key in ("target", "enforcement", "conditions", "bypass_actors"):
        if given.get(key) != wanted[key]:
            yield (key,), _is(given, wanted, key)
    rules = given.get("rules")
    found: dict[object, tuple[Keys, dict[str, Any]]] = {}
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        at: Keys = ("rules", index, "parameters")
        found[_mapping(rule).get("type")] = at, _mapping(_mapping(rule).get("parameters"))
    for kind, needed in wanted["rules"].items():
        if kind not in found:
            yield ("rules",), f"the rule `{kind}` is gone"
            continue
        at, parameters = found[kind]
        for key, value in needed.items():
            have = parameters.get(key)
            if have != value and not _is_more(have, value):
                yield (*at, key), f"{kind}: {_is(parameters, needed, key)}"
        if kind == "required_status_checks":
            listed = parameters.get(kind)
            contexts = [
                _mapping(check).get("context")
                for check in (listed if isinstance(listed, list) else ())
                # The id of GitHub Actions: without it any app could report the check.
                if _mapping(check).get("integration_id") == wanted["actions_app"]
            ]
            for check in checks:
                if check not in contexts:
                    yield (*at, kind), f"the check `{check}` is not required from GitHub Actions"


def _is_more(have: object, least: object) -> bool:
    return type(have) is int and type(least) is int and have > least


# --- Words ----------------------------------------------------------------------------------


def triggers_of(workflow: Mapping[str, Any]) -> dict[str, Any]:
    """Return the events on which a workflow runs, each with its filters."""
    return _triggers(workflow.get("on"))


def _triggers(on: object) -> dict[str, Any]:
    if isinstance(on, str):
        return {on: {}}
    if isinstance(on, list):
        return {str(event): {} for event in on}
    return {
        event: {} if event in _BY_TEAM or filters is None else filters
        for event, filters in _mapping(on).items()
    }


# The longest each month gets.
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# What each field of a schedule may name: the least, the most, and words for them.
_FIELDS = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, tuple("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split())),  # noqa: SIM905
    (0, 6, tuple("SUN MON TUE WED THU FRI SAT".split())),  # noqa: SIM905
)


def _has_time(on: object) -> bool:
    """Tell whether a schedule names a time that comes: `0 0 31 2 *` never does.

    With one entry that is none, GitHub runs nothing of the workflow.
    """
    entries = on.get("schedule") if isinstance(on, dict) else None
    crons = [each.get("cron") for each in entries or () if isinstance(each, dict)]
    fields = [cron.split() if isinstance(cron, str) else [] for cron in crons]
    return all(map(_is_schedule, fields)) and any(map(_comes, fields))


def _is_schedule(fields: list[str]) -> bool:
    return len(fields) == len(_FIELDS) and all(
        _moments(field, *bounds) for field, bounds in zip(fields, _FIELDS, strict=True)
    )


def _comes(fields: list[str]) -> bool:
    _, _, days, months, weekdays = fields
    if weekdays != "*":
        return True  # either of day and weekday is enough
    return any(
        day <= _DAYS[month - 1]
        for month in _moments(months, *_FIELDS[3])
        for day in _moments(days, *_FIELDS[2])
    )


def _moments(field: str, least: int, most: int, words: tuple[str, ...]) -> set[int]:
    """Return what a field names (`*`, `*/5`, `1-5`, `1,15`, `MON`); nothing if it is no field."""
    found: set[int] = set()
    for part in field.upper().split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        start = least if span == "*" else _moment(first, least, words)
        end = _moment(last, least, words) if dash else most if slash or span == "*" else start
        by = _moment(step, 1, ()) if slash else 1
        if not (least <= start <= end <= most and by >= 1):
            return set()
        found.update(range(start, end + 1, by))
    return found


def _moment(text: str, least: int, words: tuple[str, ...]) -> int:
    """Return the number that a word or digits name, -1 if they name none."""
    if text in words:
        return least + words.index(text)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 3 else -1


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _names(needs: object) -> list[str]:
    return [str(name) for name in needs] if isinstance(needs, list) else [str(needs)]


def _is(actual: Mapping[str, Any], expected: Mapping[str, Any], key: str) -> str:
    have = _flow(actual[key]) if key in actual else "absent"
    want = _flow(expected[key]) if key in expected else "absent"
    return f"`{key}` is {have} instead of {want}"


def _flow(value: object) -> str:
    """Return a value in one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _cut(str(value))


def _short(text: object) -> str:
    return f"`{_cut(str(text))}`"


def _cut(text: str) -> str:
    line = text.strip().split("\n", 1)[0]
    shortened = line if len(line) <= 60 else line[:59]
    return shortened if shortened == text.strip() else shortened + "…"
