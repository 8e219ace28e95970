"""A flow of one task."""

from prefect import flow, task
from stopwatch import expect


@task
def zero():
    return 0


@flow
def one():
    return zero()


if __name__ == "__main__":
    expect(one(), 0)
