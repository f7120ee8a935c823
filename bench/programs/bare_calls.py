"""The same batches as `job_calls.py`, but each call is only a call with requests over a kept connection."""

from __future__ import annotations

import json
import os
import sys
import time

import requests

session = requests.Session()
for line in sys.stdin:
    calls = json.loads(line)["calls"]
    begun_at = time.process_time()
    for _ in range(calls):
        session.get(os.environ["API_URL"], timeout=25).json()
    print(time.process_time() - begun_at, flush=True)
