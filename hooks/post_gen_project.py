"""Hands the generated directory to ai_program; cookiecutter renders this file before it runs it."""

import json
import sys
from pathlib import Path

# To Python a braced expression is a set of sets, so that linters read this file as it stands.
sys.path.insert(0, json.loads({{engine_path | python}}))  # noqa: F821

from ai_program.generation import finish

FACTS = json.loads({{cookiecutter | programme | python}})  # noqa: F821

raise SystemExit(finish(FACTS, Path.cwd()))
