from __future__ import annotations

from helseid_fn.http.nonces import MAX_ORIGINS, Nonces


def test_each_origin_has_its_latest_nonce() -> None:
    nonces = Nonces()
    for url, nonce in (("https://a.example/x", "1"), ("https://b.example/", "2"), ("https://a.example/y", "3")):
        nonces.learn(url, {"DPoP-Nonce": nonce})
    assert [nonces.get(f"https://{host}.example/z?q") for host in "abc"] == ["3", "2", None]


def test_a_response_without_a_usable_nonce_changes_nothing() -> None:
    nonces = Nonces()
    for headers in ({"DPoP-Nonce": "1"}, {}, {"DPoP-Nonce": "a b"}):
        nonces.learn("https://a.example/", headers)
    assert nonces.get("https://a.example/") == "1"


def test_the_longest_unused_origin_is_forgotten() -> None:
    nonces = Nonces()
    for number in (*range(MAX_ORIGINS), 0, MAX_ORIGINS):
        nonces.learn(f"https://{number}.example/", {"DPoP-Nonce": "1"})
    assert [nonces.get(f"https://{number}.example/") for number in (0, 1, 2, MAX_ORIGINS)] == ["1", None, "1", "1"]
