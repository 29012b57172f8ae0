"""Load: ask the running service from many callers at once, and say how long answers take.

Callers keep their connection and ask one row after another, as soon as the answer is there. So with
as many callers as the service has to wait for, this measures the queue in front of it as well.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from itertools import cycle, islice
from urllib.parse import urlsplit

import numpy as np

from . import ingest, privacy, releases
from .errors import RefusedError
from .settings import Settings
from .use_case import features, serving

TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class Found:
    """Milliseconds of each answer, what went wrong how often, and the seconds of it all."""

    milliseconds: np.ndarray
    errors: Counter[str]
    seconds: float

    def text(self) -> str:
        """Return what people read."""
        asked = len(self.milliseconds) + sum(self.errors.values())
        lines = [f"{asked} requests in {self.seconds:.1f} s, {asked / self.seconds:.0f} a second"]
        if len(self.milliseconds):
            shown = zip((50, 95, 99), np.percentile(self.milliseconds, (50, 95, 99)), strict=True)
            lines.append("  ".join(f"p{part} {value:.1f} ms" for part, value in shown))
        wrong = ", ".join(f"{count} times {what}" for what, count in self.errors.most_common())
        return "\n".join([*lines, f"errors: {wrong or 'none'}"])


def load(settings: Settings, *, url: str, token: str, requests: int, callers: int) -> Found:
    """Ask so many times in all, and return what was found."""
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise RefusedError(f"{url} is no address of a service: http://HOST:PORT")
    bodies = [json.dumps({"rows": [row]}).encode() for row in _rows(settings)]
    share = -(-requests // callers)
    times: list[float] = []
    errors: Counter[str] = Counter()

    def call(first: int) -> None:
        connect = (
            http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        )
        connection = connect(str(address.hostname), address.port, timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {token}"}
        for body in islice(cycle(bodies), first, first + share):
            began = time.perf_counter()
            try:
                connection.request("POST", f"{address.path}/predict", body, headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                errors[type(error).__name__] += 1
                connection.close()
                continue
            if answer.status == http.HTTPStatus.OK:
                times.append(1000 * (time.perf_counter() - began))
            else:
                errors[f"status {answer.status}"] += 1

    threads = [threading.Thread(target=call, args=(number * 7,)) for number in range(callers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Found(np.array(times), errors, time.perf_counter() - began)


def _rows(settings: Settings) -> list[dict[str, object]]:
    """Return rows to ask about: the golden ones of the version in force, or those to answer now.

    Golden rows name nobody; where people have to consent, that is no row that is answered.
    """
    current, person = releases.in_force(settings), privacy.named_by(settings)
    if current is not None and person is None:
        known = releases.registry_entry(settings, current["version"])["golden"]
        return [each["input"] for each in known]
    ingest.verify(settings)
    rows = serving.current(ingest.tables(settings), settings.features)
    names = [*(settings.keys if person else ()), *features.NAMES]
    return json.loads(rows[names].to_json(orient="records", date_format="iso"))
