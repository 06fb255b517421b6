"""The page of the docs about HTTP is made from the routes, and up to date."""

from __future__ import annotations

from pathlib import Path

from windowseat.entrypoints.web.http_page import http_page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "features" / "http.md"


def test_the_page_about_http_lists_every_address_as_it_is() -> None:
    assert PAGE.read_text("utf-8") == http_page(), (
        "run: python -m windowseat.entrypoints.web.http_page > docs/features/http.md"
    )
