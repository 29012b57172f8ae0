"""Charts of the dashboard, as SVG: small, and each says in words what it shows."""

from __future__ import annotations

from markupsafe import Markup

# Units of the drawing; the page scales it.
WIDTH, HEIGHT = 240.0, 28.0
_PADDING = 6.0


def number(value: object) -> str:
    """Return a number as people read it: at most four digits, thousands apart."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "\N{EN DASH}"
    digits = 0 if value == int(value) else max(0, 4 - len(str(abs(int(value))).lstrip("0")))
    text = f"{value:,.{digits}f}" if value == 0 or abs(value) >= 0.001 else f"{value:.2g}"
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "\N{MINUS SIGN}")


def share(value: object, unit: object) -> str:
    """Return a number with its unit: a ratio in per cent."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "\N{EN DASH}"
    if unit == "ratio":
        return f"{number(round(value * 100, 2))} %"
    return f"{number(value)} {unit}" if unit not in ("count", "index", None) else number(value)


def interval(outcome: dict[str, object]) -> Markup:
    """Draw the interval of a measurement against the limit of its gate; the good side is shaded."""
    limit, low, high, value = (
        _float(outcome.get(key)) for key in ("limit", "low", "high", "value")
    )
    if limit is None or low is None or high is None or value is None:
        return Markup('<span class="quiet">not measured</span>')
    ends = [limit, low, high]
    span = (max(ends) - min(ends)) or abs(limit) or 1.0
    first, last = min(ends) - 0.25 * span, max(ends) + 0.25 * span

    def at(number: float) -> float:
        return round(_PADDING + (number - first) / (last - first) * (WIDTH - 2 * _PADDING), 2)

    upwards = outcome.get("direction") == "higher"
    left, right = (at(limit), WIDTH - _PADDING) if upwards else (_PADDING, at(limit))
    middle = HEIGHT / 2
    said = f"{number(value)}, interval {number(low)} to {number(high)}, limit {number(limit)}"
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-label="{said}">'
        '<rect class="good" x="{left}" y="3" width="{width}" height="{inner}" rx="3"/>'
        '<line class="limit" x1="{limit}" x2="{limit}" y1="1" y2="{bottom}"/>'
        '<line class="reach {state}" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>'
        '<circle class="dot {state}" cx="{value}" cy="{y}" r="4.5"/></svg>'
    ).format(
        w=WIDTH, h=HEIGHT, said=said, left=left, width=round(max(0.0, right - left), 2),
        inner=HEIGHT - 6, limit=at(limit), bottom=HEIGHT - 1, low=at(low), high=at(high),
        value=at(value), y=middle, state=outcome.get("state", "none"),
    )  # fmt: skip


def progress(result: dict[str, object]) -> Markup:
    """Draw how far a key result has come from its baseline (left) to its target (right)."""
    way = _float(result.get("way"))
    if way is None:
        return Markup('<span class="quiet">not measured yet</span>')
    shown = min(max(way, 0.0), 1.0)
    start, end = _PADDING, WIDTH - _PADDING
    place = round(start + shown * (end - start), 2)
    said = f"{round(way * 100)} per cent of the way from baseline to target"
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-label="{said}">'
        '<line class="track" x1="{start}" x2="{end}" y1="{y}" y2="{y}"/>'
        '<line class="way {state}" x1="{start}" x2="{place}" y1="{y}" y2="{y}"/>'
        '<line class="limit" x1="{end}" x2="{end}" y1="4" y2="{bottom}"/>'
        '<circle class="dot {state}" cx="{place}" cy="{y}" r="4.5"/></svg>'
    ).format(
        w=WIDTH, h=HEIGHT, said=said, start=start, end=end, place=place, y=HEIGHT / 2,
        bottom=HEIGHT - 4, state=result.get("state", "none"),
    )  # fmt: skip


def series(points: list[float], limit: float | None = None, label: str = "") -> Markup:
    """Draw values in their order, oldest first, against a limit if there is one."""
    if not points:
        return Markup('<span class="quiet">no values</span>')
    ends = points if limit is None else [*points, limit]
    low, high = min(ends), max(ends)
    span = (high - low) or abs(high) or 1.0
    low, high = low - 0.1 * span, high + 0.1 * span
    step = (WIDTH - 2 * _PADDING) / max(1, len(points) - 1)

    def y(value: float) -> float:
        return round(HEIGHT - 3 - (value - low) / (high - low) * (HEIGHT - 6), 2)

    places = [(round(_PADDING + step * index, 2), y(value)) for index, value in enumerate(points)]
    line = (
        ""
        if limit is None
        else Markup('<line class="limit" x1="0" x2="{}" y1="{}" y2="{}"/>').format(
            WIDTH, y(limit), y(limit)
        )
    )
    said = f"{label}: {', '.join(map(number, points))}"
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-label="{said}">{line}'
        '<polyline class="series" points="{path}"/>'
        '<circle class="dot none" cx="{x}" cy="{last}" r="3.5"/></svg>'
    ).format(
        w=WIDTH, h=HEIGHT, said=said, line=line, path=" ".join(f"{x},{y}" for x, y in places),
        x=places[-1][0], last=places[-1][1],
    )  # fmt: skip


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
