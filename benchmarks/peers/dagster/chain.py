"""N no-op ops in a row, in process, recorded."""

import sys

from home import own_home
from stopwatch import expect, stopwatch

own_home()
from dagster import DagsterInstance, job, op  # noqa: E402 - the home is set first

n = int(sys.argv[1])


@op
def zero():
    return 0


@op
def inc(x):
    return x + 1


if __name__ == "__main__":
    instance = DagsterInstance.get()  # sets up the home on first use: not part of the chain
    with stopwatch():

        @job
        def chain():
            x = zero()
            for number in range(1, n):
                x = inc.alias(f"inc{number}")(x)

        done = chain.execute_in_process(instance=instance)
    expect(done.output_for_node(f"inc{n - 1}"), n - 1)
