"""A team on a machine with no settings of anybody."""

from __future__ import annotations

import pytest
from regeneration.teams import Team, environment


@pytest.fixture
def clean_machine(tmp_path, monkeypatch):
    """Take away the settings of whoever runs the tests."""
    home = tmp_path / "home"
    home.mkdir()
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture
def make_team(tmp_path, clean_machine):
    """Return a function that makes a team's repository from a template."""
    return lambda files, **more: Team(tmp_path / "team", files, **more)
