"""The two buckets that results and the cursor go to, and how each fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import Any, Protocol

from standin.aws.quick_clients import share_models
from standin.aws.result_places import ResultPlaces, refuse_s3
from standin.aws.server import App, raw, slow
from tests.support.cloud_storage import BUCKET, CloudStorage, Fault, Garbage, Lose, Slow, Status, run_cloud_storage

CURSOR = "cursor.json"


class Place(Protocol):
    """One bucket."""

    address: str
    environment: dict[str, str]
    faults: dict[str, Any]
    """By their names, what `fail` takes."""

    def names(self, first: str = "") -> list[str]:
        """Return the names of all objects, or of those from the first on."""

    def read(self, name: str) -> bytes | None:
        """Return an object's bytes, or None if there is none."""

    def fail(self, fault: str, times: float) -> None:
        """Fail the next requests in this way, until `recover`."""

    def recover(self) -> None:
        """Fail no longer."""

    def uploads(self) -> int:
        """Return how many requests to store an object have arrived, the cursor included."""


def read_cursor(place: Place) -> int:
    """Return the value of the cursor, 0 before there is one."""
    text = place.read(CURSOR)
    return int(json.loads(text)["value"]) if text else 0


class GooglePlace:
    """A bucket in fake-gcs-server."""

    def __init__(self, cloud: CloudStorage) -> None:
        self._cloud = cloud
        self.address = f"gs://{BUCKET}"
        self.environment = cloud.environ
        self.faults: dict[str, Fault] = {
            "is down": Status(503, "backendError"),
            "limits the rate": Status(429, "rateLimitExceeded"),
            "loses responses": Lose(),
            "is no Cloud Storage": Garbage(),
        }

    def slow_down(self, seconds: float) -> None:
        """Add the fault of taking so long."""
        self.faults["is slow"] = Slow(seconds)

    def names(self, first: str = "") -> list[str]:
        """List the bucket."""
        return [blob.name for blob in self._cloud.client.list_blobs(BUCKET, start_offset=first or None)]

    def read(self, name: str) -> bytes | None:
        """Read past the front."""
        return self._cloud.content(name) if self._cloud.object(name) else None

    def fail(self, fault: str, times: float) -> None:
        """Fail what reads and what stores."""
        for kind in ("store", "read"):
            self._cloud.script.plan(kind, self.faults[fault], times=times, after=0)

    def recover(self) -> None:
        """Clear the front's script."""
        self._cloud.script.clear()

    def uploads(self) -> int:
        """Count what the front saw."""
        return self._cloud.kinds.count("store")


class AwsPlace:
    """A bucket in moto's S3."""

    def __init__(self, places: ResultPlaces) -> None:
        self._places = places
        self._bucket = places.add_bucket()
        self._client = places.client("s3")
        self.address = f"s3://{self._bucket}"
        self.environment = {**places.environment, "AWS_EC2_METADATA_DISABLED": "true"}
        self.faults: dict[str, App] = {
            "is down": refuse_s3(503, "ServiceUnavailable"),
            "limits the rate": refuse_s3(503, "SlowDown"),
            "loses responses": places.lose_response(raw(b"")),
            "is no S3": raw(b"SMTP\r\n\r\n"),
        }

    def slow_down(self, seconds: float) -> None:
        """Add the fault of taking so long."""
        self.faults["is slow"] = slow(seconds, self._places.process)

    def names(self, first: str = "") -> list[str]:
        """List the bucket."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, StartAfter=first)
        later = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return later if not first or self.read(first) is None else [first, *later]

    def read(self, name: str) -> bytes | None:
        """Read uncounted."""
        try:
            return bytes(self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read())
        except self._client.exceptions.NoSuchKey:
            return None

    def fail(self, fault: str, times: float) -> None:
        """Fail whatever the function asks."""
        if times == inf:
            self._places.fail_always(self.faults[fault])
        else:
            self._places.fail_next(self.faults[fault], int(times))

    def recover(self) -> None:
        """Forget the faults."""
        self._places.forget_faults()

    def uploads(self) -> int:
        """Count what moto's server saw."""
        return sum(request.startswith("PUT") for request in self._places.requests)


@contextmanager
def open_place(cloud: str) -> Iterator[GooglePlace | AwsPlace]:
    """Run one cloud's bucket."""
    if cloud == "google":
        with run_cloud_storage() as running:
            yield GooglePlace(running)
    else:
        share_models()
        with ResultPlaces() as places:
            yield AwsPlace(places)
