"""The programme dashboard: one page that a sponsor understands in a minute.

The page is made of the governed files and the evidence alone, as they are staged. It needs no
network, runs no script, and is the same, byte for byte, for the same files and the same day.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ai_program.dashboard import charts, content, wording
from ai_program.git import Misuse

if TYPE_CHECKING:
    from ai_program.program import Program


def render(program: Program) -> str:
    """Return the page as HTML."""
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError:
        message = "the report is rendered with Jinja2: pip install 'ai-program[report]'"
        raise Misuse(message) from None
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "breakable": wording.breakable,
        "number": charts.number,
        "prose": wording.prose,
        "share": charts.share,
        "words": wording.words,
    }
    environment.globals |= {
        "interval": charts.interval,
        "progress": charts.progress,
        "series": charts.series,
    }
    page = environment.get_template("page.html.j2")
    return page.render(content.of(program)) + "\n"
