def zero():
    return 0


def inc(x):
    return x + 1


def double(x):
    return 2 * x


def total(*xs):
    return sum(xs)
