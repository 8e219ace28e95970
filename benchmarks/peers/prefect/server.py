"""What has the flow's server recorded? A flow ends before its tasks are recorded; exit then and some never are."""

import time

from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import TaskRunSort


def wait_until_recorded(n):
    """Until the server knows `n` task runs, which it counts in pages of 200."""
    with get_client(sync_client=True) as client:
        while len(client.read_task_runs(limit=200, offset=max(0, n - 200))) < min(n, 200):
            time.sleep(0.05)


def state_names(n):
    """Of the latest `n` task runs, at most 200."""
    with get_client(sync_client=True) as client:
        latest = client.read_task_runs(sort=TaskRunSort.EXPECTED_START_TIME_DESC, limit=n)
    return [run.state_name for run in latest]
