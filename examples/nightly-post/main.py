"""Post each object below a bucket's prefix to the API as a stream; its receipt is delivered, and only then is it removed.

A schedule starts it every night. An object that is posted twice has the same idempotency key, so that the API takes it once.
"""

from __future__ import annotations

import os
import uuid

from google.cloud.storage import Client

from helseid_fn import App, Job

app = App.from_environment()

BUCKET, PREFIX = os.environ["OUTBOX_BUCKET"], os.environ["OUTBOX_PREFIX"]
MEBIBYTE = 1024 * 1024


@app.job
def post_outbox(job: Job) -> object:
    """Post what is there, in the order of the names, as long as there is time."""
    posted = 0
    for document in Client().list_blobs(BUCKET, prefix=PREFIX):
        if not job.has_time():
            break
        key = uuid.uuid5(uuid.NAMESPACE_URL, f"{BUCKET}/{document.name}#{document.generation}")
        headers = {"content-type": document.content_type or "application/octet-stream", "idempotency-key": str(key)}
        with document.open("rb", chunk_size=MEBIBYTE) as content:
            receipt = job.api.post("documents", content=content, headers=headers)
        job.deliver(receipt, name=f"receipts/{key}")
        document.delete(if_generation_match=document.generation)
        posted += 1
    return {"posted": posted}


run, run_event, lambda_handler = app.http, app.cloud_event, app.lambda_handler
