"""The same as `helseid-fn call`, as a program with a `Client`."""

from __future__ import annotations

import json
import os

from helseid_fn import Client, Organization

client = Client(
    issuer=os.environ["HELSEID_ISSUER"],
    client_id=os.environ["HELSEID_CLIENT_ID"],
    key=os.environ["HELSEID_KEY"],
    scopes=os.environ["HELSEID_SCOPE"].split(),
    organization=Organization(os.environ.get("HELSEID_PARENT_ORGANIZATION"), os.environ.get("HELSEID_CHILD_ORGANIZATION")),
)
print(json.dumps(client.api(os.environ["API_URL"]).get().json(), indent=2))
