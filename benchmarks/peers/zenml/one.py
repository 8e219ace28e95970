"""A pipeline of one step."""

from zenml import pipeline, step


@step
def zero() -> int:
    return 0


@pipeline
def one():
    zero()


if __name__ == "__main__":
    one()
