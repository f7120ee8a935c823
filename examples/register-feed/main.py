"""Follow Adresseregisteret: each page of its events goes to a bucket, and only then does the cursor move.

A schedule starts it every hour. It ends when there is nothing newer or its time is up; the next run goes on from there.
"""

from __future__ import annotations

from helseid_fn import App, Job

app = App.from_environment()


@app.job
def follow_register(job: Job) -> object:
    """Deliver each page under its first and last sequence number: a slower run's shorter page replaces no longer one."""
    pages = 0
    while job.has_time():
        page = job.api.get("event", params={"fromSequenceNumber": (job.cursor.value or 0) + 1})
        events = page.json()
        if not events:
            break
        first, last = events[0]["sequenceNumber"], events[-1]["sequenceNumber"]
        job.deliver(page, name=f"events/{first:012}-{last:012}")
        job.cursor.advance(last)
        pages += 1
    return {"pages": pages, "sequence_number": job.cursor.value}


run, run_event, lambda_handler = app.http, app.cloud_event, app.lambda_handler
