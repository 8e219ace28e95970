"""A dynamic map over N items and a collect, on 2 processes, recorded."""

import sys

from home import own_home
from stopwatch import expect, stopwatch

own_home()
from dagster import (  # noqa: E402 - the home is set first
    DagsterInstance,
    DynamicOut,
    DynamicOutput,
    execute_job,
    job,
    multiprocess_executor,
    op,
    reconstructable,
)


@op(out=DynamicOut(), config_schema=int)
def items(context):
    for number in range(context.op_config):
        yield DynamicOutput(number, mapping_key=str(number))


@op
def double(x):
    return 2 * x


@op
def total(xs):
    return sum(xs)


@job(executor_def=multiprocess_executor)
def mapped():
    total(items().map(double).collect())


if __name__ == "__main__":
    n = int(sys.argv[1])
    instance = DagsterInstance.get()
    config = {"ops": {"items": {"config": n}}, "execution": {"config": {"max_concurrent": 2}}}
    with stopwatch(), execute_job(reconstructable(mapped), instance=instance, run_config=config) as done:
        value = done.output_for_node("total")
    expect(value, n * (n - 1))
