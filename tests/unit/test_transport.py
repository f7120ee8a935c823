"""The pure parts of `transport`; what it does over a connection stands in the contract tests."""

from __future__ import annotations

import pytest

from helseid_fn.http.transport import wire_url

ADDRESSES = [
    ("https://api.example.no", "https://api.example.no/"),
    ("https://api.example.no?x=1", "https://api.example.no/?x=1"),
    ("https://API.Example.NO/Path", "https://api.example.no/Path"),
    ("https://api.example.no:443/x", "https://api.example.no/x"),
    ("http://127.0.0.1:80/x", "http://127.0.0.1/x"),
    ("https://api.example.no:80/x", "https://api.example.no:80/x"),
    ("http://127.0.0.1:443/x", "http://127.0.0.1:443/x"),
    ("https://api.example.no:8443/x", "https://api.example.no:8443/x"),
    ("https://[::1]:443/x", "https://[::1]/x"),
    ("https://api.example.no/x#part", "https://api.example.no/x"),
    ("https://api.example.no/a%20b", "https://api.example.no/a%20b"),
    ("https://api.example.no/a%c3%a6", "https://api.example.no/a%C3%A6"),
    ("https://api.example.no/%41", "https://api.example.no/A"),
    ("https://api.example.no/a/", "https://api.example.no/a/"),
    ("https://api.example.no/a;b=c", "https://api.example.no/a;b=c"),
    ("https://api.example.no/a?q=%2F&r=a+b", "https://api.example.no/a?q=%2F&r=a+b"),
]


@pytest.mark.parametrize(("url", "on_the_wire"), ADDRESSES, ids=[url for url, _ in ADDRESSES])
def test_an_address_is_told_as_it_is_sent(url: str, on_the_wire: str) -> None:
    assert wire_url(url) == on_the_wire


@pytest.mark.parametrize("url", [url for url, _ in ADDRESSES])
def test_an_address_as_it_is_sent_stays_as_it_is(url: str) -> None:
    assert wire_url(wire_url(url)) == wire_url(url)
