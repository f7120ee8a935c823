"""Finds every patient of a FHIR server with fhirpy, which takes an auth object of requests."""

import json
import sys

from fhirpy import SyncFHIRClient

from helseid_fn import Client, Organization

GIVEN = json.load(sys.stdin)

client = Client(**GIVEN["client"], organization=Organization(**GIVEN["organization"]))
fhir = SyncFHIRClient(GIVEN["fhir_base"], requests_config={"auth": client.auth(), "timeout": 10})
print(json.dumps([patient.id for patient in fhir.resources("Patient").limit(10).fetch_all()]))
