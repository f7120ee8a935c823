from __future__ import annotations

import pytest

from helseid_fn.http.links import parse_links


@pytest.mark.parametrize(
    ("header", "links"),
    [
        pytest.param(None, {}, id="none"),
        pytest.param("", {}, id="empty"),
        pytest.param('<https://a.example/?p=2>; rel="next"', {"next": "https://a.example/?p=2"}, id="one"),
        pytest.param("</a>;rel=next,</b>;rel=prev", {"next": "/a", "prev": "/b"}, id="two, without quotes"),
        pytest.param('</a>; title="a, <b>; rel=x"; REL="Next Last"', {"next": "/a", "last": "/a"}, id="two relations of one"),
        pytest.param('</a>; rel="next", </b>; rel="next"', {"next": "/a"}, id="the first counts"),
        pytest.param('</a>; rel="next"; rel="prev"', {"next": "/a"}, id="the first rel counts"),
        pytest.param('</a?x=1,2;3>; rel="next"', {"next": "/a?x=1,2;3"}, id="commas in the URL"),
        pytest.param('</a>; rel="next"; anchor="/b"', {}, id="of another resource"),
        pytest.param("</a>", {}, id="without a relation"),
        pytest.param('</a>; rel="next", nonsense', {"next": "/a"}, id="broken after the first"),
        pytest.param('nonsense, </a>; rel="next"', {}, id="broken before"),
        pytest.param('</a>; rel="next', {}, id="an open quote"),
        pytest.param('</a>; crossorigin; rel="next"', {"next": "/a"}, id="a parameter without a value"),
        pytest.param(", ,</a>; rel=next", {"next": "/a"}, id="empty elements"),
    ],
)
def test_links_are_found_by_their_relations(header: str | None, links: dict[str, str]) -> None:
    assert parse_links(header) == links


def test_only_the_first_8_kib_are_parsed() -> None:
    assert parse_links(f'</a>; title="{"x" * 8192}"; rel=next') == {}
