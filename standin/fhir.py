"""A small FHIR server (R4): made-up patients, read by id and searched by family name, in pages.

Forms: https://hl7.org/fhir/R4/patient.html, https://hl7.org/fhir/R4/bundle.html and https://hl7.org/fhir/R4/http.html.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from standin.messages import Request, Response

BASE_PATH = "/fhir"
PATIENT_COUNT = 25
DEFAULT_PAGE_SIZE = 10

_PATIENTS_PATH = f"{BASE_PATH}/Patient"
_SEARCH_PATH = f"{_PATIENTS_PATH}/_search"
_TEST_DATA = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST", "display": "test health data"}
_CONTENT_TYPE = "application/fhir+json; charset=UTF-8"


def respond(request: Request) -> Response:
    """Respond to a request whose token has been accepted."""
    is_search = (request.method, request.path) in (("GET", _PATIENTS_PATH), ("POST", _SEARCH_PATH))
    if not is_search and request.method != "GET":
        return _outcome(HTTPStatus.METHOD_NOT_ALLOWED, "not-supported")
    if is_search:
        return _search(request)
    if request.path == f"{BASE_PATH}/metadata":
        return _fhir(HTTPStatus.OK, _capability_statement())
    found = [patient for patient in PATIENTS if request.path == f"{_PATIENTS_PATH}/{patient['id']}"]
    return _fhir(HTTPStatus.OK, found[0]) if found else _outcome(HTTPStatus.NOT_FOUND, "not-found")


def _patient(number: int) -> dict[str, Any]:
    """Make up a person whom nobody can take for a real one."""
    return {
        "resourceType": "Patient",
        "id": f"synthetic-{number}",
        "meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00Z", "tag": [_TEST_DATA]},
        "identifier": [{"system": "https://example.no/synthetic-person", "value": f"synthetic-{number}"}],
        "active": True,
        "name": [{"use": "official", "family": "Testperson" if number % 2 else "Prøveperson", "given": [f"Nummer {number}"]}],
        "gender": ("female", "male", "other", "unknown")[number % 4],
        "birthDate": f"{1900 + number}-01-01",
    }


PATIENTS: Sequence[Mapping[str, Any]] = tuple(_patient(number) for number in range(1, PATIENT_COUNT + 1))


def _search(request: Request) -> Response:
    """Respond with one page of the patients whose family name begins so, and with links to this page and the next."""
    pairs = parse_qsl(request.query) + (request.form() if request.method == "POST" else [])
    query = dict(pairs)
    size, offset = (_number(query.get(name), default) for name, default in (("_count", DEFAULT_PAGE_SIZE), ("_offset", 0)))
    if size is None or offset is None:
        return _outcome(HTTPStatus.BAD_REQUEST, "invalid")
    family = query.get("family", "").casefold()
    found = [patient for patient in PATIENTS if patient["name"][0]["family"].casefold().startswith(family)]
    base = request.url.removesuffix("/_search")
    links = [{"relation": "self", "url": f"{base}?{urlencode({**query, '_count': size, '_offset': offset})}"}]
    if size and offset + size < len(found):
        links.append({"relation": "next", "url": f"{base}?{urlencode({**query, '_count': size, '_offset': offset + size})}"})
    entries = [
        {"fullUrl": f"{base}/{patient['id']}", "resource": patient, "search": {"mode": "match"}}
        for patient in found[offset : offset + size]
    ]
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": links}
    return _fhir(HTTPStatus.OK, {**bundle, "entry": entries} if entries else bundle)  # FHIR has no empty lists


def _number(text: str | None, default: int) -> int | None:
    if text is None:
        return default
    return int(text) if text.isascii() and text.isdigit() else None


def _capability_statement() -> dict[str, Any]:
    interactions = [{"code": "read"}, {"code": "search-type"}]
    patient = {"type": "Patient", "interaction": interactions, "searchParam": [{"name": "family", "type": "string"}]}
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-01-01",
        "kind": "instance",
        "implementation": {"description": "The stand-in's FHIR server"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "resource": [patient]}],
    }


def _outcome(status: HTTPStatus, code: str) -> Response:
    issue = {"severity": "error", "code": code, "diagnostics": status.phrase}
    return _fhir(status, {"resourceType": "OperationOutcome", "issue": [issue]})


def _fhir(status: int, resource: Mapping[str, Any]) -> Response:
    return Response.json(status, resource, content_type=_CONTENT_TYPE)
