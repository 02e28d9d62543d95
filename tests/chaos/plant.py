"""A planted fault: a settler that believes *not found* at once. The count must find what it loses, or it would find nothing."""

from tonevault.cde.charging.settling import Settled, Wait, judge
from tonevault.cde.gateway import GatewayAnswer


def credulous(
    answer: GatewayAnswer | None, *, silent_s: float, visibility_lag_s: float, step: int
) -> Settled | Wait:
    """As the real one, but for the gateway's visibility lag."""
    del visibility_lag_s
    return judge(answer, silent_s=silent_s, visibility_lag_s=0.0, step=step)
