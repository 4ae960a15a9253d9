"""What C++ libraries write to standard error while they load."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def silent_native_logs() -> Iterator[None]:
    """Drops what is written to file descriptor 2.

    TensorFlow announces itself there, whatever its log level; errors come as exceptions.
    """
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
