"""A function whose jobs move large bodies, and say how much memory its process has ever had: served as `main.py` is."""

from __future__ import annotations

import re
import resource
import tempfile
from pathlib import Path

from helseid_fn import App, Job

app = App.from_environment()


@app.job
def move(job: Job) -> object:
    """Deliver a response as it arrives, or post a file; `input` says which, and how many bytes it has."""
    size = job.input["bytes"]
    if job.input["what"] == "fetch":
        with job.api.get("large", params={"bytes": size}, stream=True) as response:
            receipt = job.deliver(response, name="large")
    else:
        with tempfile.TemporaryFile() as file:
            file.truncate(size)
            receipt = job.deliver(job.api.post("large", content=file, headers={"Content-Type": "application/x"}), name="large")
    return {"address": receipt.address, "sha256": receipt.sha256, "peak_bytes": find_peak()}


def find_peak() -> int:
    """Return the most memory that this process has had."""
    status = Path("/proc/self/status")  # getrusage counts the parent's memory before exec, too
    if status.exists():
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]) * 1024  # type: ignore[index]  # it is there
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


run = app.http
