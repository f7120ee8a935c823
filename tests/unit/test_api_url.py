from __future__ import annotations

import pytest

from helseid_fn.api.url import MAX_LINK_LENGTH, resolve_below

BASE = "https://api.example.no/fhir?version=4"
PAGE = "https://api.example.no/fhir/Patient?page=1"


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://api.example.no/fhir/Patient?page=2", "https://api.example.no/fhir/Patient?page=2"),
        ("https://API.example.no:443/fhir/x", "https://API.example.no:443/fhir/x"),
        ("https://api.example.no/fhir", "https://api.example.no/fhir"),
        ("https://api.example.no/fhir?page=2", "https://api.example.no/fhir?page=2"),
        ("/fhir/Patient?page=2", "https://api.example.no/fhir/Patient?page=2"),
        ("?page=2", "https://api.example.no/fhir/Patient?page=2"),
        ("Patient?page=2", "https://api.example.no/fhir/Patient?page=2"),
        ("Patient/a:b", "https://api.example.no/fhir/Patient/a:b"),
        ("Patient?page=2#end", "https://api.example.no/fhir/Patient?page=2"),
        ("Patient?q=%2E%2E/x", "https://api.example.no/fhir/Patient?q=%2E%2E/x"),
    ],
)
def test_a_link_below_the_base_is_resolved(link: str, url: str) -> None:
    assert resolve_below(BASE, PAGE, link) == url


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example/fhir/x",
        "https://api.example.no:8443/fhir/x",
        "http://api.example.no/fhir/x",
        "//elsewhere.example/fhir/x",
        "https://api.example.no@elsewhere.example/fhir/x",
        "https://api.example.no/",
        "https://api.example.no/fhir2/x",
        "/x",
        "../x",
        "Patient/../../x",
        "%2e%2e/x",
        "a/..%2f..%2f..%2fx",
        "a/%252e%252e/%252e%252e/x",
        "a/..;/..;/x",
        "a%5c..%5c..%5cx",
        "a/%25252e%25252e/x",
        "a/..%20/x",
        "a/..%00/x",
        "a/.../x",
        "ftp://api.example.no/fhir/x",
        "javascript:x",
        "Patient?q=a b",
        "https://[",
        "https://api.example.no:x/fhir/x",
    ],
)
def test_a_link_to_anywhere_else_is_refused(link: str) -> None:
    with pytest.raises(ValueError, match=r"^(leads to .*|is not a URL)\.$"):
        resolve_below(BASE, PAGE, link)


def test_a_refused_link_shows_no_path() -> None:
    with pytest.raises(ValueError, match=r"https://elsewhere\.example,") as raised:
        resolve_below(BASE, PAGE, "https://elsewhere.example/Patient/01017012345?name=Ola")
    assert "0101" not in str(raised.value)


def test_a_link_of_more_than_8_kib_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^is longer than 8 KiB\.$"):
        resolve_below(BASE, PAGE, "?page=" + "1" * MAX_LINK_LENGTH)
