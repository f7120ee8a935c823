"""Empty an inbox of EDI 2.0: each document is delivered, and only then marked as downloaded.

A schedule starts it every minute. A document that is gone is set aside, so that it does not stop the others.
"""

from __future__ import annotations

import os

from helseid_fn import App, Job

app = App.from_environment()

HER_ID = os.environ["HER_ID"]


@app.job
def empty_inbox(job: Job) -> object:
    """Go on from the last offset; a document that is delivered twice overwrites itself."""
    query = {"HerIds": HER_ID, "Offset": job.cursor.value or 0}
    notes = job.api.get("notifications", params=query).json()["notifications"]
    done = 0
    for note in notes:
        if not job.has_time():
            break
        if note["type"] == "NewMessage":
            message = note["relatedMessageId"]
            document = job.api.get(f"messages/{message}/business-document", stream=True, allow={404, 410})
            job.deliver(document, name=f"documents/{message}" if document.status == 200 else f"gone/{message}")
            if document.status == 200:
                job.api.put(f"messages/{message}/downloaded", json={"receiverHerId": int(HER_ID)})
        done += 1
    if done:
        job.cursor.advance(notes[done - 1]["offset"])
    return {"notifications": done, "offset": job.cursor.value}


run, run_event, lambda_handler = app.http, app.cloud_event, app.lambda_handler
