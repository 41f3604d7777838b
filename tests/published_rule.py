"""The arithmetic of the code released with Zhang et al. (NAACL 2024), in words of our own, for comparison alone.

Shares are floats. Groups are taken from the largest on until their shares add up to 1 or more; a rounding error lets
that sum miss 1, and then groups without any text are taken too. A tie is unfair. Without a match every group taken
has an equal share.
"""


def kept(n_x):
    """Positions of the groups that take part."""
    total, reached, found = sum(n_x), 0.0, []
    for i in sorted(range(len(n_x)), key=lambda i: -n_x[i]):
        found.append(i)
        reached += n_x[i] / total
        if reached >= 1:
            break
    return found


def bur_uer(n_x, n_y, tau=0.8):
    """(BUR, UER) of one sample."""
    groups = kept(n_x)
    source, summary = sum(n_x[i] for i in groups), sum(n_y[i] for i in groups)
    p_x = [n_x[i] / source for i in groups]
    p_y = [n_y[i] / summary if summary else 1 / len(groups) for i in groups]
    unfair = any(y <= x * tau for x, y in zip(p_x, p_y, strict=True))
    return int(unfair), sum(max(0, x - y) for x, y in zip(p_x, p_y, strict=True)) / len(groups)
