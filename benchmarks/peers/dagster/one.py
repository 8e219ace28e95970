"""A job of one op, in process, recorded."""

from home import own_home
from stopwatch import expect

own_home()
from dagster import DagsterInstance, job, op  # noqa: E402 - the home is set first


@op
def zero():
    return 0


@job
def one():
    zero()


if __name__ == "__main__":
    done = one.execute_in_process(instance=DagsterInstance.get())
    expect(done.output_for_node("zero"), 0)
