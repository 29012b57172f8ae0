"""What cookiecutter loads before it asks: hands the answers to ``ai_program`` and back.

cookiecutter imports this file with the template on ``sys.path``; the package is beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2.ext import Extension

if TYPE_CHECKING:
    from jinja2 import Environment

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from ai_program import escaping, intake


class Workshop(Extension):
    """Refuses answers that can't be used before anything is rendered, and gives the facts after."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        intake.admit(Path(__file__).resolve().parent)
        environment.filters["default_of"] = intake.default_of
        environment.filters["checked"] = intake.checked
        environment.filters["programme"] = intake.programme
        environment.filters["yaml"] = escaping.yaml_value
        environment.filters["md"] = escaping.markdown
        environment.filters["python"] = escaping.python_text
        environment.globals["engine_path"] = str(Path(__file__).resolve().parent / "src")
