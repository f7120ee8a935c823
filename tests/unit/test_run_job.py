"""`run_job` fails a job where production would."""

from __future__ import annotations

import pytest

from helseid_fn.testing import run_job


@pytest.mark.parametrize(("returned", "error"), [(object(), TypeError), (float("nan"), ValueError)])
def test_a_job_that_returns_no_json_fails(returned: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        run_job(lambda _job: returned, api={})
