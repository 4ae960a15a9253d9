"""How a command ends that several hosts run together."""

from __future__ import annotations

import sys
from collections.abc import Callable


def status_of(work: Callable[[], object]) -> int:
    """Does what hosts do together, and returns the exit status.

    Args:
        work: Joins the other hosts, if there are any. Where it fails on one, all end at once.

    Raises:
        BaseException: Whatever `work` raises, but for other hosts that are lost.
    """
    # Only whoever works on devices loads JAX.
    from granite_fc.training.host_line import HostsError
    from granite_fc.training.hosts import end_at_once

    try:
        work()
    except HostsError as error:
        end_at_once(error)
        print(f"granite-fc: {error}", file=sys.stderr)
        return 1
    except BaseException as error:
        end_at_once(error)
        raise
    return 0
