"""Evidence in a rendered repository: what the pipeline would have written into it.

Evidence is written in steps, each bound to the files as it finds them:

    {evaluate: first}      a model is trained, evaluated and registered
    {promote: first}       its release comes into force
    {roll_back: first}     it comes into force again, instead of a later one
    {validate: first}      a validator signs off its evaluation
    {sign: PATH}           the people in ``by`` (handles) sign a record
    {trust: [@grace]}      their keys are allowed to sign
    {review: 2026-11-21}   people reviewed decisions until that day
    {drill: first}         what is in force was taken back to it on purpose, and nothing failed

A step may replace parts of what it writes, before it is sealed: ``{promote: first, release:
{approvals: []}}`` gives a record that nobody approved and whose digest is right. So a case can be
about one lie at a time. The states of life are sequences of steps:

    scaffolded ─► evaluated ─► released ─► challenged ─► replaced ─► rolled_back

The numbers are synthetic and fixed: every gate is passed by a tenth of its limit.
"""

from __future__ import annotations

import copy
import functools
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ai_program import deployed, digests, documents, evidence, paths, signatures

Files = dict[str, bytes]
Changes = dict[str, Any]
Model = tuple[str, bytes]  # what kind of model, and its bytes

COMMIT = "1" * 40
RELEASED_ON = "2026-11-20"
MODELS: dict[str, Model] = {
    "first": ("gradient_boosting", b"a model"),
    "second": ("ridge", b"another model"),
    "third": ("ridge", b"a third model"),
    "fallback": ("last_week_same_hour", b"a rule without a model"),
}
STATES: dict[str, list[Changes]] = {"scaffolded": []}
for _name, _step in {
    "evaluated": {"evaluate": "first"},
    "released": {"promote": "first"},
    "challenged": {"evaluate": "second"},
    "replaced": {"promote": "second"},
    "rolled_back": {"roll_back": "first"},
}.items():
    STATES[_name] = [*list(STATES.values())[-1], _step]


def evaluated(files: Files) -> Files:
    """Return the files after a first model was evaluated and registered."""
    return apply(files, STATES["evaluated"])


def released(files: Files) -> Files:
    """Return the files after the first model came into force."""
    return apply(files, STATES["released"])


def apply(files: Files, steps: list[Changes], commit: str | None = None) -> Files:
    """Return the files with the evidence of these steps, in their order.

    ``commit`` is that from which the code comes.
    """
    for step in steps:
        changes = dict(step)
        if "evaluate" in step:
            code = {"code": {"commit": commit or COMMIT}}
            changes["report"] = _merged(code, step.get("report", {}))
        name = next(name for name in _STEPS if name in changes)
        about = changes.pop(name)
        files = _STEPS[name](
            files, MODELS.get(about, about) if isinstance(about, str) else about, changes
        )
        assert not changes, f"unknown parts of a step: {sorted(changes)}"
    return files


def decision(path: str, said: Changes) -> bytes:
    """Return a complete decision record, accepted by the validator unless it says otherwise."""
    number = path.rpartition("/")[2][:4]
    front = {
        "schema_version": 1,
        "id": f"DEC-{number}",
        "title": "Change what was agreed",
        "status": "accepted",
        "date": "2026-11-20",
        "authorises": [],
        "approvers": ["@grace"],
        "versions": {"data": ["electricity_demand@1.0.0"], "model": None, "policy": 1},
        "supersedes": None,
        "superseded_by": None,
        **said,
    }
    text = {title: f"The {title.lower()} of this decision." for title in _SECTIONS}
    text |= front.pop("sections", {})
    # JSON is YAML.
    lines = ["---", *(f"{key}: {json.dumps(value)}" for key, value in front.items()), "---", ""]
    for title, body in text.items():
        lines += [f"## {title}", "", body, ""]
    return "\n".join(lines).encode()


def _evaluate(files: Files, model: Model, changes: Changes) -> Files:
    policy = _value(files, "policies/evaluation.yaml")
    version = _version(model)
    champion = _champion(files)
    packages = evidence.environment(["scikit-learn==1.7.2", "pandas==2.3.3"])
    bindings = {**_bindings(files, policy), "environment": packages["digest"]}
    gates = policy["gates"]
    parts = {
        "model": {
            "name": policy["model"],
            "version": version,
            "candidate": model[0],
            "digest": digests.of_bytes(model[1]),
        },
        "champion": champion,
        "bindings": bindings,
        "code": {"commit": COMMIT, "dirty": False},
        "statistics": policy["statistics"],
        "gates": gates,
        "measurements": [
            _measured(gate)
            for gate in gates
            if champion is not None or gate["compare_with"] != "champion"
        ],
    }
    own = changes.pop("report", {})
    report = evidence.report(**_merged(parts, {k: v for k, v in own.items() if k in parts}))
    report = digests.sealed(_merged(report, {k: v for k, v in own.items() if k not in parts}))
    path = f"{evidence.REPORTS}/{version}.json"
    contract = _first(files, "contracts/")
    view = _first(files, "features/")
    entry = evidence.registry_entry(
        model=policy["model"],
        version=version,
        candidate=model[0],
        artifact={"digest": digests.of_bytes(model[1]), "size": len(model[1]), "format": "joblib"},
        training_data=[
            {
                "contract": contract["id"],
                "version": contract["version"],
                "digest": bindings["data"],
            }
        ],
        features={"id": view["id"], "version": view["version"]},
        code={"commit": report["code"]["commit"], "digest": bindings["code"]},
        seed=policy["statistics"]["seed"],
        packages=packages["packages"],
        command="nox -s pipeline",
        kpis=["KPI-mae"] if b"KPI-mae" in files["policies/program.yaml"] else _kpis(files)[:1],
        owner=_people(files, "accountable_owner")[0]["handle"],
        evaluation={"path": path, "digest": report["digest"]},
        golden=[{"input": {"hour": 12}, "prediction": 1.0}],
    )
    entry = digests.sealed(_merged(entry, changes.pop("registry", {})))
    return {
        **files,
        **_card(files, f"models/{policy['model']}/card.md", report),
        path: digests.pretty(report),
        f"{evidence.REGISTRY}/{version}.json": digests.pretty(entry),
    }


def _card(files: Files, path: str, report: dict[str, Any]) -> Files:
    """Return the model card with the numbers of a report, if they can be shown at all."""
    try:
        return {path: evidence.card_with(files[path].decode(), report).encode()}
    except (KeyError, TypeError, ValueError):
        return {}


def _promote(files: Files, model: Model, changes: Changes) -> Files:
    back = _champion(files)
    return _record(
        files,
        model,
        {
            "action": "promote",
            "rollback_target": {
                "kind": "release" if back else "fallback",
                "release": back["release"] if back else None,
                "artifact": back["digest"] if back else None,
                "retrieved": True,
            },
            "reason": "it passes every gate",
            "approvals": _approvals(files),
            "author": _address(files, "data_owner"),
        },
        changes,
    )


def _roll_back(files: Files, model: Model, changes: Changes) -> Files:
    return _record(
        files,
        model,
        {
            "action": "rollback",
            "rollback_target": {
                "kind": "fallback",
                "release": None,
                "artifact": None,
                "retrieved": True,
            },
            "reason": "the monitor of the prediction quality tripped",
            "approvals": [],
            "author": _address(files, "operations_owner"),
        },
        changes,
    )


def _record(files: Files, model: Model, said: Changes, changes: Changes) -> Files:
    policy = _value(files, "policies/evaluation.yaml")
    version = _version(model)
    report_path = f"{evidence.REPORTS}/{version}.json"
    report = _value(files, report_path)
    contract = _first(files, "contracts/")
    view = _first(files, "features/")
    records = _records(files)
    sequence = len(records) + 1
    statement = evidence.release_statement(
        model=policy["model"],
        version=version,
        artifact=digests.of_bytes(model[1]),
        predicate={
            "sequence": sequence,
            "previous": records[-1]["predicate"]["digest"] if records else None,
            "created_at": f"{RELEASED_ON}T{8 + sequence:02d}:00:00Z",
            "data": {
                "contract": f"{contract['id']}@{contract['version']}",
                "digest": report["bindings"]["data"],
            },
            "features": f"{view['id']}@{view['version']}",
            "policies": report["bindings"]["policies"],
            "evaluation": {
                "path": report_path,
                "digest": report["digest"],
                "verdict": report["verdict"],
            },
            "decision": "DEC-0001",
            "exceptions": [],
            "review": {
                "mode": _value(files, "policies/oversight.yaml")["decision_types"][0]["mode"],
                "how": "the record names data, features and policies; the model is in the store",
            },
            **said,
        },
    )
    own = copy.deepcopy(changes.pop("release", {}))
    subject = own.pop("subject", None)
    statement = {**statement, "predicate": _merged(statement["predicate"], own)}
    if subject is not None:
        statement["subject"] = subject
    statement["predicate"]["digest"] = evidence.release_digest(statement)
    active = _merged(evidence.active(sequence, statement), changes.pop("active", {}))
    path = evidence.release_path(sequence)
    manifests = {
        name: deployed.manifest_with(data.decode(), statement["predicate"]["digest"]).encode()
        for name, data in files.items()
        if name.startswith("deploy/kubernetes/")
    }
    return {
        **files,
        **manifests,
        path: digests.pretty(statement),
        evidence.ACTIVE: digests.pretty(active),
        f"{evidence.ACTUALS}/{sequence:04d}.json": digests.pretty(_actuals(files, path)),
    }


def _validate(files: Files, model: Model, changes: Changes) -> Files:
    path = f"{evidence.REPORTS}/{_version(model)}.json"
    validation = {
        "schema_version": 1,
        "report": {"path": path, "digest": _value(files, path)["digest"]},
        "validator": _people(files, "validator")[0]["handle"],
        "on": RELEASED_ON,
        "conclusion": "fit",
        "looked_at": ["the slices, on data of another month"],
        "findings": [],
        **changes.pop("validation", {}),
    }
    # JSON is YAML.
    return {**files, f"evidence/validations/{_version(model)}.yaml": digests.pretty(validation)}


def _trust(files: Files, handles: list[str], _: Changes) -> Files:
    lines = [
        f"{_email(files, handle)} {Path(f'{_key(handle)}.pub').read_text()}" for handle in handles
    ]
    return {**files, signatures.ALLOWED: "".join(lines).encode()}


def _sign(files: Files, path: str, changes: Changes) -> Files:
    made = dict(files)
    key = changes.pop("key", None)
    for handle in changes.pop("by"):
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", signatures.NAMESPACE]
        signed = subprocess.run(
            [*command, "-f", _key(key or handle)],
            input=files[path],
            capture_output=True,
            check=True,
        )
        made[signatures.path_of(path, handle)] = signed.stdout
    return made


@functools.cache
def _key(handle: str) -> str:
    """Return the private key of a person, made for this run."""
    path = Path(tempfile.mkdtemp(), "key")
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", handle, "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return str(path)


def _email(files: Files, handle: str) -> str:
    people = _value(files, "policies/program.yaml")["people"]
    return next(person["emails"][0] for person in people if person["handle"] == handle)


def _review(files: Files, until: str, changes: Changes) -> Files:
    parts = {
        "period": (RELEASED_ON, until),
        "decisions": 40,
        "queued": 40,
        "reviewed": 38,
        "overridden": 3,
        "blind": 5,
        "agreed": 4,
        "oldest_open_hours": 2.0,
    }
    own = changes.pop("summary", {})
    summary = evidence.review_summary(
        **_merged(parts, {k: v for k, v in own.items() if k in parts})
    )
    summary = digests.sealed(_merged(summary, {k: v for k, v in own.items() if k not in parts}))
    return {**files, f"{evidence.REVIEWS}/{until}.json": digests.pretty(summary)}


def _drill(files: Files, model: Model, changes: Changes) -> Files:
    served = _champion(files)
    assert served is not None, "nothing is in force"
    to_fallback = model == MODELS["fallback"]
    layout = documents.parse(_baseline("layout.yaml"), "layout.yaml").value
    parts = {
        "fault": "bad_metric",
        "started_at": f"{RELEASED_ON}T20:00:00Z",
        "finished_at": f"{RELEASED_ON}T20:02:00Z",
        "served": {key: served[key] for key in ("version", "digest")},
        "restored": None
        if to_fallback
        else {"version": _version(model), "digest": digests.of_bytes(model[1])},
        "steps": [{"step": "roll back", "outcome": "passed"}],
        "breaker_tripped": True,
        "golden_match": None if to_fallback else True,
        "seconds_to_restore": 40.0,
        "limit_minutes": _value(files, "policies/release.yaml")["rollback"]["max_minutes"],
        "topology": evidence.topology(files.items(), layout["topology"]),
        "environment": digests.of_bytes(b"packages"),
    }
    own = changes.pop("record", {})
    record = evidence.drill(**_merged(parts, {k: v for k, v in own.items() if k in parts}))
    record = digests.sealed(_merged(record, {k: v for k, v in own.items() if k not in parts}))
    path = changes.pop("path", evidence.drill_path(record["started_at"], record["fault"]))
    return {**files, path: digests.pretty(record)}


def _actuals(files: Files, release: str) -> dict[str, Any]:
    return digests.sealed(
        {
            "schema_version": 1,
            "release": release,
            "actuals": [
                {
                    "kpi": result["id"],
                    "value": None,
                    "unit": result["unit"],
                    "target": result["target"],
                    "met": None,
                    "source": result["source"],
                }
                for objective in _value(files, "policies/program.yaml")["objectives"]
                for result in objective["key_results"]
            ],
            "deployment_success_rate": 1.0,
            "time_to_market_days": 0,
        }
    )


def _measured(gate: dict[str, Any]) -> dict[str, Any]:
    """Measure what a gate asks for, a tenth of its limit on the good side."""
    limit = gate["limit"]
    better = 1 if gate["direction"] == "higher" else -1
    margin = abs(limit) / 10 if limit else 0.0
    value = limit + better * margin
    return {
        "metric": gate["metric"],
        "slice": gate["slice"],
        "compare_with": gate["compare_with"],
        "value": value,
        "low": value - margin / 2,
        "high": value + margin / 2,
        "n": max(2160, gate["min_rows"]),
    }


def _bindings(files: Files, policy: dict[str, Any]) -> dict[str, str]:
    layout = documents.parse(_baseline("layout.yaml"), "layout.yaml").value
    data = policy["data"]
    content = files.get(data["path"])
    digest = data["digest"] or digests.of_bytes(b"data outside git")
    return {
        **evidence.bind(files.items(), layout["bindings"]),
        "data": digest if content is None else digests.of_bytes(content),
    }


def _champion(files: Files) -> dict[str, str] | None:
    if evidence.ACTIVE not in files:
        return None
    active = _value(files, evidence.ACTIVE)
    _, version, digest = evidence.released(_value(files, active["release"]))
    return {"version": version, "digest": digest, "release": active["release"]}


def _records(files: Files) -> list[dict[str, Any]]:
    return [
        _value(files, path)
        for path in sorted(files)
        if path.startswith(f"{evidence.RELEASES}/0") and path.endswith(".json")
    ]


def _approvals(files: Files) -> list[dict[str, str]]:
    policy = _value(files, "policies/release.yaml")["approvals"]
    able = [
        (person["handle"], role)
        for role in policy["roles"]
        for person in _people(files, role)
        if "data_owner" not in person["roles"]
    ]
    return [
        {"person": handle, "role": role, "on": RELEASED_ON}
        for handle, role in able[: policy["required"]]
    ]


def _people(files: Files, role: str) -> list[dict[str, Any]]:
    people = _value(files, "policies/program.yaml")["people"]
    return [person for person in people if role in person["roles"]]


def _address(files: Files, role: str) -> str:
    return next(iter(_people(files, role)[0]["emails"]), "somebody@example.org")


def _kpis(files: Files) -> list[str]:
    objectives = _value(files, "policies/program.yaml")["objectives"]
    return [result["id"] for objective in objectives for result in objective["key_results"]]


def _first(files: Files, folder: str) -> dict[str, Any]:
    path = next(path for path in sorted(files) if path.startswith(folder) and path.endswith("yaml"))
    return _value(files, path)


def _version(model: Model) -> str:
    return evidence.version_name(model[0], digests.of_bytes(model[1]))


def _value(files: Files, path: str) -> Any:
    return documents.parse(files[path], path).value


def _baseline(name: str) -> bytes:
    with open(f"{paths.root()}/{name}", "rb") as file:  # noqa: PTH123
        return file.read()


def _merged(value: dict[str, Any], changes: Changes) -> dict[str, Any]:
    """Return a copy in which the changed places are replaced; ``None`` as a value stays a value."""
    result = copy.deepcopy(value)
    for key, change in changes.items():
        old = result.get(key)
        result[key] = (
            _merged(old, change) if isinstance(old, dict) and isinstance(change, dict) else change
        )
    return result


_SECTIONS = ("Context", "Options", "Outcome", "Consequences")
_STEPS = {"evaluate": _evaluate, "promote": _promote, "roll_back": _roll_back,
          "drill": _drill, "review": _review,
          "validate": _validate, "trust": _trust, "sign": _sign}  # fmt: skip
