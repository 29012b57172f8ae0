"""The catalogue shows everything that there is, and loads nothing from anywhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from {{ cookiecutter.package_name }} import catalogue


class Links(HTMLParser):
    """What a page loads, where it leads, and where it can be entered."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in ("script", "img", "iframe", "link", "object", "embed"):
            self.loads.append(f"{tag} {found.get('src') or found.get('href')}")
        if tag == "a" and found.get("href"):
            self.leads.append(str(found["href"]))
        if found.get("id"):
            self.ids.append(str(found["id"]))


@pytest.fixture
def page(served) -> str:
    return catalogue.write(served.settings).read_text(encoding="utf-8")


def test_it_shows_every_field_and_every_feature(page, served) -> None:
    settings = served.settings
    for schema in settings.contract["schema"]:
        for field in schema["properties"]:
            assert f"<code>{field['name']}</code>" in page
    for feature in settings.features["features"]:
        assert f"<code>{feature['name']}</code>" in page
    assert settings.contract["id"] in page
    assert "No version is registered yet" in page


def test_nothing_is_loaded_and_every_place_exists(page, served) -> None:
    folder = served.root / catalogue.FOLDER
    pages = [folder / "index.html", *folder.glob("contracts/*.html")]
    assert len(pages) > 1
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert [each for each in Links(text).loads if "data:" not in each] == []
        assert "default-src 'none'" in text
        assert not re.search(r"@import|url\((?!['\"]?data:)", text)
    links = Links(page)
    assert len(links.ids) == len(set(links.ids))
    for link in links.leads:
        if link.startswith("#"):
            assert link[1:] in links.ids
        elif not link.startswith("../../models/"):  # the repository of the tests has no card
            assert (folder / link).is_file(), link


def test_what_people_write_stays_text(served) -> None:
    purpose = served.settings.contract["description"]["purpose"]
    path = f"contracts/{served.settings.contract['id']}.odcs.yaml"
    served.rewrite(path, purpose, "<script>alert(1)</script>")
    page = catalogue.write(served.settings).read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page


def test_a_second_time_it_is_the_same(page, served) -> None:
    assert catalogue.write(served.settings).read_text(encoding="utf-8") == page
