"""One task, for `redun run one.py main`."""

from redun import task

redun_namespace = "bench"


@task
def main():
    return 0
