"""What synchost must show, as measured values beside their limits."""

from limits import Limit
from workloads import BUILD, CHANGED, COPY, LARGE, STEPS, UNCHANGED, WARM

MOST_UNCHANGED_SECONDS = 0.06


def evaluate(table):
    """Every limit, whether it could be measured or not."""
    out = []

    def figures(workload, what, *peers):
        return [table.median(workload, what, peer) for peer in ("synchost", *peers)]

    def add(text, values, show, passes):
        known = None not in values
        out.append(Limit(text, show(*values) if known else "no figure", passes(*values) if known else None))

    def share_of_buildah(name, workload, what, share):
        add(f"{name}: at most 1/{share} of buildah", figures(workload, what, "buildah"),
            lambda own, peer: f"1/{peer / own:.1f} of {peer:.3f} s", lambda own, peer: share * own <= peer)

    def times_the_floor(name, workload, most):
        add(f"{name}: at most {most:g} times the floor", figures(workload, BUILD, "floor"),
            lambda own, floor: f"{own / floor:.2f} times {floor:.3f} s", lambda own, floor: own <= most * floor)
    share_of_buildah(COPY, COPY, BUILD, 6)
    times_the_floor(COPY, COPY, 2)
    share_of_buildah(STEPS, STEPS, BUILD, 5)
    share_of_buildah(CHANGED, WARM, CHANGED, 15)
    share_of_buildah(UNCHANGED, WARM, UNCHANGED, 30)
    add(f"{UNCHANGED}: under {MOST_UNCHANGED_SECONDS * 1e3:.0f} ms", figures(WARM, UNCHANGED),
        lambda own: f"{own * 1e3:.1f} ms", lambda own: own < MOST_UNCHANGED_SECONDS)
    times_the_floor(LARGE, LARGE, 1.5)
    return out
