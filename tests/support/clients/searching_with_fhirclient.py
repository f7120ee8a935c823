"""Finds every patient of a FHIR server with fhirclient, whose server has a session of requests."""

import json
import sys

from fhirclient.client import FHIRClient
from fhirclient.models.patient import Patient

from helseid_fn import Client, Organization

GIVEN = json.load(sys.stdin)

client = Client(**GIVEN["client"], organization=Organization(**GIVEN["organization"]))
smart = FHIRClient({"app_id": GIVEN["client"]["client_id"], "api_base": GIVEN["fhir_base"]})
smart.server.session.auth = client.auth()
found = Patient.where({"_count": "10"}).perform_resources_iter(smart.server)
print(json.dumps([patient.id for patient in found]))
