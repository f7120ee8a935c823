"""The stand-in's FHIR server, called as any of its APIs is."""

from pathlib import Path
from typing import Any

import pytest

from helseid_fn.api.protected_api import ProtectedApi
from standin import StandIn
from standin.fhir import PATIENT_COUNT
from tests.support.programs import make_client


@pytest.fixture
def fhir(standin: StandIn, key_file: Path) -> ProtectedApi:
    """Return the FHIR server."""
    return make_client(standin, key_file).api(standin.fhir_base)


def search(fhir: ProtectedApi, **params: Any) -> dict[str, Any]:
    bundle: dict[str, Any] = fhir.get("Patient", params=params).json()
    return bundle


def test_a_patient_is_read(fhir: ProtectedApi) -> None:
    response = fhir.get("Patient/synthetic-7")
    assert response.headers["Content-Type"] == "application/fhir+json; charset=UTF-8"
    patient = response.json()
    assert (patient["resourceType"], patient["id"], patient["meta"]["tag"][0]["code"]) == ("Patient", "synthetic-7", "HTEST")


def test_a_search_has_pages_up_to_the_last(fhir: ProtectedApi) -> None:
    def find_next(response: Any) -> str | None:
        return next((link["url"] for link in response.json()["link"] if link["relation"] == "next"), None)

    bundles = [page.json() for page in fhir.pages("Patient", params={"_count": 10}, next=find_next)]
    assert [len(bundle["entry"]) for bundle in bundles] == [10, 10, 5]
    assert [bundle["total"] for bundle in bundles] == [PATIENT_COUNT] * 3
    assert len({entry["fullUrl"] for bundle in bundles for entry in bundle["entry"]}) == PATIENT_COUNT


def test_a_search_by_name_finds_what_begins_so(fhir: ProtectedApi) -> None:
    names = {entry["resource"]["name"][0]["family"] for entry in search(fhir, family="prøve", _count=50)["entry"]}
    assert names == {"Prøveperson"}


def test_a_search_may_be_posted(fhir: ProtectedApi) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = fhir.post("Patient/_search", content=b"family=Test&_count=3", headers=form).json()
    assert posted == search(fhir, family="Test", _count=3)


def test_a_search_that_finds_nobody_has_no_entries(fhir: ProtectedApi) -> None:
    bundle = search(fhir, family="x")
    assert (bundle["total"], "entry" in bundle, len(bundle["link"])) == (0, False, 1)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "Patient/synthetic-0", 404, "not-found"),
        ("GET", "Observation", 404, "not-found"),
        ("DELETE", "Patient/synthetic-1", 405, "not-supported"),
        ("GET", "Patient?_count=many", 400, "invalid"),
    ],
)
def test_what_it_does_not_do_has_an_outcome(fhir: ProtectedApi, method: str, path: str, status: int, code: str) -> None:
    path, _, query = path.partition("?")
    params = {"_count": query.removeprefix("_count=")} if query else {}
    response = fhir.request(method, path, params=params, allow={status})
    assert (response.status, response.json()["issue"][0]["code"]) == (status, code)


def test_its_statement_names_what_it_does(fhir: ProtectedApi) -> None:
    assert fhir.get("metadata").json()["rest"][0]["resource"][0]["type"] == "Patient"
