from __future__ import annotations

import pytest

from helseid_fn.http.adapter import wire_url
from helseid_fn.http.url import find_proxy_fault, find_url_fault, is_loopback

GOOD = [
    "https://helseid-sts.nhn.no",
    "https://helseid-sts.nhn.no/",
    "https://helseid-sts.nhn.no:443/connect/token",
    "https://api.example.no/a/b/?q=1&r=%20",
    "https://xn--blbr-roah.no/",
    "https://under_score.example.no/",
    "https://192.0.2.7/",
    "https://[2001:db8::1]:8443/x",
    "HTTPS://API.EXAMPLE.NO/x",
    "http://127.0.0.1:8080/x",
    "http://127.8.9.1/",
    "http://localhost/",
    "http://LOCALHOST:1/",
    "http://[::1]/",
    "https://api.example.no/a;v=1/b@c/d:e",
    "https://api.example.no/..a/b../...",
]

BAD = [
    ("", "characters"),
    ("https://api.example.no/a b", "characters"),
    ("https://api.example.no/\n", "characters"),
    ("https://api.example.no/\x00", "characters"),
    ("https://api.example.no\\@evil.example/", "characters"),
    ("https://blåbær.no/", "characters"),
    ("https://[::1", "is not a URL"),
    ("https://[v1.a]/", "https URL with a host"),
    ("https://api.example.no:port/", "is not a URL"),
    ("https://api.example.no:99999/", "is not a URL"),
    ("https://api.example.no:0/", "https URL with a host"),
    ("api.example.no", "https URL with a host"),
    ("//api.example.no/x", "https URL with a host"),
    ("https:", "https URL with a host"),
    ("https:///path", "https URL with a host"),
    ("https://:443/", "https URL with a host"),
    ("https://-a.no/", "https URL with a host"),
    ("https://a..no/", "https URL with a host"),
    ("https://a.no./", "https URL with a host"),
    (f"https://{'a' * 64}.no/", "https URL with a host"),
    (f"https://{'a.' * 127}no/", "https URL with a host"),
    ("https://*.example.no/", "https URL with a host"),
    ("ftp://api.example.no/", "https URL with a host"),
    ("file:///etc/passwd", "https URL with a host"),
    ("javascript:alert(1)", "https URL with a host"),
    ("http://api.example.no/", "must be https"),
    ("http://10.0.0.1/", "must be https"),
    ("http://0.0.0.0/", "must be https"),
    ("http://localhost.example.no/", "must be https"),
    ("http://127.0.0.1.example.no/", "must be https"),
    ("http://127.1/", "must be https"),
    ("http://169.254.169.254/", "must be https"),
    ("https://user@api.example.no/", "user name or a fragment"),
    ("https://user:secret@api.example.no/", "user name or a fragment"),
    ("https://api.example.no/#part", "user name or a fragment"),
    ("https://api.example.no#", "user name or a fragment"),
    ("https://api.example.no/a/../b", "empty, . or .. segment"),
    ("https://api.example.no/..", "empty, . or .. segment"),
    ("https://api.example.no/./b", "empty, . or .. segment"),
    ("https://api.example.no//b", "empty, . or .. segment"),
]


@pytest.mark.parametrize("url", GOOD)
def test_a_good_url_has_no_fault(url: str) -> None:
    assert find_url_fault(url) is None
    assert find_url_fault(wire_url(url)) is None


@pytest.mark.parametrize(("url", "words"), BAD, ids=[repr(url)[:60] for url, _ in BAD])
def test_the_fault_of_a_bad_url_is_named(url: str, words: str) -> None:
    assert words in (find_url_fault(url) or "")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.255.255.254", "::1"])
def test_this_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.", "localhost.no", "10.0.0.1", "0.0.0.0", "::", "127.1", "2130706433"])
def test_any_other_host_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy.example.no:3128",
        "https://user:p%40ss@proxy.example.no",
        "http://bj%C3%B8rn:p%C3%A5ss@proxy.example.no",
        "proxy:3128",
        "http://10.0.0.1/",
        "http://[::1]:1",
    ],
)
def test_a_good_proxy_has_no_fault(url: str) -> None:
    assert find_proxy_fault(url) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://proxy.example.no:3128 ", "white space"),
        ("http:/proxy.example.no:3128", "is not http://HOST:PORT"),
        ("https:///", "is not http://HOST:PORT"),
        ("http://proxy.example.no:port", "a port that is not a number"),
        ("http://proxy.example.no:0", "is not http://HOST:PORT"),
        ("http://proxy.example.no:70000", "a port that is not a number"),
        ("socks5h://proxy.example.no:1080", "SOCKS"),
        ("ftp://proxy.example.no", "is not http://HOST:PORT"),
        ("http://user:pass/word@proxy.example.no:3128", "a port that is not a number"),
        ("http://proxy.example.no:3128/path", "percent-encoded"),
        ("http://user:zaz%C5%82@proxy.example.no:3128", "outside Latin-1"),
        ("http://zaz%C5%82:pass@proxy.example.no:3128", "outside Latin-1"),
    ],
)
def test_the_fault_of_a_bad_proxy_is_named(url: str, words: str) -> None:
    assert words in (find_proxy_fault(url) or "")
