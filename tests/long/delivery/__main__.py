"""Kills jobs, or lets them follow a long register, on both clouds: `python -m tests.long.delivery kills --kills 250`.

Prints the figures, and fails if an event was lost, an object is there twice, or the cursor was ahead of what was delivered.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tests.long.delivery.following import Task, follow_register
from tests.long.delivery.kills import kill_runs

CLOUDS = ("google", "aws")


def main() -> int:
    """Run on both clouds at once, print the figures, and return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.long.delivery", description=__doc__)
    parser.add_argument("what", choices=("kills", "register"))
    parser.add_argument("--kills", type=int, default=250, help="how many runs are killed in each step, on each cloud")
    parser.add_argument("--events", type=int, default=100_000, help="of the register")
    parser.add_argument("--page", type=int, default=1000, help="events of a full page")
    parser.add_argument("--page-seconds", type=float, default=1, help="how long the API takes for a page")
    parser.add_argument("--deadline", type=float, default=25, help="of a run, in seconds; faults last in proportion")
    arguments = parser.parse_args()
    task = Task(arguments.events, arguments.page, arguments.page_seconds, arguments.deadline)
    with tempfile.TemporaryDirectory() as name:
        folder, begun_at = Path(name), time.monotonic()
        run: Callable[[str], dict[str, Any]] = {
            "kills": partial(kill_runs, kills=arguments.kills, folder=folder),
            "register": partial(follow_register, task=task, folder=folder),
        }[arguments.what]
        with ProcessPoolExecutor(len(CLOUDS)) as pool:
            figures = dict(zip(CLOUDS, pool.map(run, CLOUDS), strict=True))
    print(json.dumps({**figures, "seconds": round(time.monotonic() - begun_at)}, indent=2))
    return 1 if any(each["faults"] for each in figures.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
