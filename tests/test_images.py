"""The images of the documentation: each one that a page names is there, and none is left over."""

from __future__ import annotations

import re
import struct

import pytest
from conftest import ROOT, working_tree

IMAGES = sorted((ROOT / "docs" / "images").iterdir())
#: ![words](address), <img src="address"> and <source srcset="address">.
NAMED = re.compile(r"""!\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)\"""")
PAGES = [path for path in working_tree() if path.endswith(".md") and "cookiecutter" not in path]


def named() -> dict[str, set]:
    """Return the images that each page names, as paths of this repository."""
    found = {}
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        addresses = {one or two for one, two in NAMED.findall(text)}
        found[page] = {
            ((ROOT / page).parent / address).resolve()
            for address in addresses
            if "://" not in address
        }
    return found


def test_every_image_that_a_page_names_is_there() -> None:
    missing = {page: {p for p in paths if not p.is_file()} for page, paths in named().items()}
    assert {page: paths for page, paths in missing.items() if paths} == {}


def test_no_image_is_left_over() -> None:
    assert set(IMAGES) == set().union(*named().values())


def test_the_script_makes_every_image() -> None:
    script = (ROOT / "docs" / "screenshots.py").read_text(encoding="utf-8")
    made = re.findall(r'^    "([\w-]+)": \(', script, re.MULTILINE)
    assert sorted(made) == [path.stem for path in IMAGES]


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_an_image_is_a_small_png_of_a_known_width(path) -> None:
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    (width,) = struct.unpack(">I", data[16:20])
    assert width in (480, 1770)  # 320 and 1180 points, one and a half pixels each


def test_together_they_are_small() -> None:
    assert sum(path.stat().st_size for path in IMAGES) < 1_200_000
