"""Loads every patient of a FHIR server with dlt's source for REST APIs, whose session has this library's tokens."""

import json
import sys

from dlt.sources.helpers import requests
from dlt.sources.rest_api import rest_api_source

from helseid_fn import Client, Organization

GIVEN = json.load(sys.stdin)

client = Client(**GIVEN["client"], organization=Organization(**GIVEN["organization"]))
session = requests.Client(raise_for_status=False).session
session.auth = client.auth(below=GIVEN["fhir_base"])
source = rest_api_source(
    {
        "client": {
            "base_url": GIVEN["fhir_base"],
            "session": session,
            "paginator": {"type": "json_link", "next_url_path": "link[?(@.relation=='next')].url"},
        },
        "resources": [
            {
                "name": "patients",
                "endpoint": {"path": "Patient", "params": {"_count": 10}, "data_selector": "entry[*].resource"},
            }
        ],
    }
)
print(json.dumps([patient["id"] for patient in source.resources["patients"]]))
