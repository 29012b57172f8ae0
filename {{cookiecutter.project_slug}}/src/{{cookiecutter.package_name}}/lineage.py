"""Lineage: what each stage read and wrote, as OpenLineage events.

They are appended to ``var/lineage.jsonl``. Whoever sets an address or another transport in the
environment gets them there (``OPENLINEAGE_URL``, and the other variables of the OpenLineage
client), and ``OPENLINEAGE_DISABLED=true`` sends none. A catalogue that cannot be reached stops no
stage.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Dataset, Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import dataset_version_dataset, error_message_run, parent_run
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.uuid import generate_new_uuid

from .settings import Settings

FILE = "var/lineage.jsonl"
PRODUCER = "https://github.com/ai-program/ai-program"
NAMESPACE = str(__package__)
# Variables of the client that say where events go.
_SETTINGS = tuple(f"OPENLINEAGE_{each}" for each in ("URL", "CONFIG", "_TRANSPORT", "DISABLED"))


class Stage:
    """One run of one stage, from its start to its end."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.settings = settings
        self.job = Job(NAMESPACE, f"{settings.model}.{name}")
        self.run = str(generate_new_uuid())
        self.inputs: list[Dataset] = []
        self.outputs: list[Dataset] = []

    def reads(self, name: str, version: str) -> None:
        """Note what the stage reads, and which version of it."""
        self.inputs.append(_dataset(name, version))

    def writes(self, name: str, version: str) -> None:
        """Note what the stage writes, and which version of it."""
        self.outputs.append(_dataset(name, version))

    def began(self) -> None:
        """Say that the stage begins."""
        self._emit(RunState.START)

    def ended(self) -> None:
        """Say that it is complete."""
        self._emit(RunState.COMPLETE)

    def failed(self, error: BaseException) -> None:
        """Say that it stopped, and why."""
        self._emit(RunState.FAIL, error)

    def _emit(self, state: RunState, error: BaseException | None = None) -> None:
        parent = parent_run.ParentRunFacet(
            run=parent_run.Run(_process()),
            job=parent_run.Job(NAMESPACE, f"{self.settings.model}.pipeline"),
        )
        facets = {"parent": parent}
        if error is not None:
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(str(error), "PYTHON")
        event = RunEvent(
            eventType=state, eventTime=datetime.now(UTC).isoformat(), producer=PRODUCER,
            run=Run(self.run, facets), job=self.job, inputs=self.inputs, outputs=self.outputs,
        )  # fmt: skip
        try:
            _client(str(self.settings.root / FILE)).emit(event)
        except Exception as failure:  # whatever a transport raises
            _complain(str(failure))


@cache
def _process() -> str:
    """Return the run that all stages of this process belong to."""
    return str(generate_new_uuid())


@cache
def _client(path: str) -> OpenLineageClient:
    if any(name.startswith(_SETTINGS) for name in os.environ):
        return OpenLineageClient()
    with suppress(OSError):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    return OpenLineageClient(transport=FileTransport(FileConfig(log_file_path=path, append=True)))


@cache
def _complain(why: str) -> None:
    """Say once that events are lost."""
    print(f"note: the lineage is not complete ({why})", file=sys.stderr)


def _dataset(name: str, version: str) -> Dataset:
    facet = dataset_version_dataset.DatasetVersionDatasetFacet(version)
    return Dataset(NAMESPACE, name, facets={"version": facet})
