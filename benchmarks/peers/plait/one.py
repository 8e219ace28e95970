"""A pipeline of one step."""

from plait import pipeline, step


@step
def zero() -> int:
    return 0


@pipeline
def one():
    return zero()


if __name__ == "__main__":
    from stopwatch import expect

    expect(one.run().result, 0)
