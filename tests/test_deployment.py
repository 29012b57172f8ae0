"""The deployment of a generated repository, as the tools that judge such files see it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ai_program import deployed, digests, documents

MANIFESTS = ("configmap", "deployment", "networkpolicy", "service", "volume")


def manifest(repository: Path, name: str) -> dict:
    path = repository / "deploy" / "kubernetes" / f"{name}.yaml"
    return documents.parse(path.read_bytes(), path.name).value


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which(str(command[0]), path=str(Path(sys.executable).parent))
    assert program, f"{command[0]} is not installed: nox -s slow"
    return subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_hadolint_finds_nothing(demand):
    done = run("hadolint", demand / "deploy" / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", MANIFESTS)
def test_the_schema_of_kubernetes_accepts_it(demand, name):
    path = demand / "deploy" / "kubernetes" / f"{name}.yaml"
    done = run("kubernetes-validate", "--strict", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_manifests_are_judged(demand):
    folder = demand / "deploy" / "kubernetes"
    assert sorted(path.stem for path in folder.iterdir()) == sorted(MANIFESTS)


def test_the_service_may_do_the_least(demand):
    spec = manifest(demand, "deployment")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} <= set(container["resources"]["limits"])
    paths = {
        name: container[name]["httpGet"]["path"] for name in ("livenessProbe", "readinessProbe")
    }
    assert paths == {"livenessProbe": "/health", "readinessProbe": "/ready"}
    assert manifest(demand, "networkpolicy")["spec"]["egress"] == []


def test_the_manifests_belong_together(demand):
    template = manifest(demand, "deployment")["spec"]["template"]
    labels = template["metadata"]["labels"]
    assert manifest(demand, "service")["spec"]["selector"] == labels
    assert manifest(demand, "networkpolicy")["spec"]["podSelector"]["matchLabels"] == labels
    (container,) = template["spec"]["containers"]
    (port,) = container["ports"]
    dockerfile = (demand / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert f"EXPOSE {port['containerPort']}\n" in dockerfile
    user = template["spec"]["securityContext"]["runAsUser"]
    assert f"USER {user}:{user}\n" in dockerfile
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in template["spec"]["volumes"]}


def test_every_setting_is_documented(demand):
    text = (demand / "deploy" / "README.md").read_text(encoding="utf-8")
    (container,) = manifest(demand, "deployment")["spec"]["template"]["spec"]["containers"]
    names = [each["name"] for each in container["env"]] + [*manifest(demand, "configmap")["data"]]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_image_holds_what_the_commands_read(demand):
    """The list names what is there; a folder that is renamed would silently be left out."""
    lines = (demand / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    kept = [line.removeprefix("!").rstrip("/") for line in lines if line.startswith("!")]
    assert [name for name in kept if name != "store" and not (demand / name).exists()] == []


def test_a_manifest_names_the_release_and_keeps_its_images(demand):
    path = demand / "deploy" / "kubernetes" / "deployment.yaml"
    text = path.read_text(encoding="utf-8")
    digest = digests.of_bytes(b"a record")
    named = deployed.manifest_with(text, digest)
    changed = [
        (old.strip(), new.strip())
        for old, new in zip(text.splitlines(), named.splitlines(), strict=True)
        if old != new
    ]
    assert changed == [
        (f'{deployed.ANNOTATION}: "{deployed.NONE}"', f'{deployed.ANNOTATION}: "{digest}"')
    ]
