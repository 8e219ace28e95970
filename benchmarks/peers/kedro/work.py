def zero():
    return 0


def inc(x):
    return x + 1


def double(x):
    return 2 * x


def check_total(wanted, *xs):
    if sum(xs) != wanted:
        raise SystemExit(f"wrong result: {sum(xs)}, not {wanted}")
