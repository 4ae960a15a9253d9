"""What happens to examples that do not fit a row."""

from __future__ import annotations

from typing import Literal

import numpy as np

from granite_fc.errors import ConfigurationError

TooLong = Literal["drop", "error"]


def fitting_examples(
    task: str, lengths: np.ndarray, sequence_length: int, too_long: TooLong
) -> np.ndarray:
    """Returns the indices of the examples that fit a row of `sequence_length` positions.

    Args:
        task: The task's name, for messages.
        lengths: Integers [num_examples]: tokens an example; n tokens take n - 1 positions.
        sequence_length: Positions a row.
        too_long: "drop" leaves longer examples out, "error" refuses them.

    Returns:
        uint32 [num_fitting], ascending.

    Raises:
        ConfigurationError: An example is too long and the policy is "error"; or none fits; or there
            are none; or one has fewer than two tokens, so that there is nothing to predict.
    """
    if too_long not in ("drop", "error"):
        raise ConfigurationError("Batches.too_long", found=too_long, expected="'drop' or 'error'")
    if not len(lengths):
        raise ConfigurationError(
            f"examples of {task}",
            found=0,
            expected="at least one",
            remedy="Leave the task out of the mixture (rate 0), or write its cache again.",
        )
    if int(lengths.min()) < 2:
        raise ConfigurationError(
            f"examples of {task}",
            found=f"an example of {int(lengths.min())} tokens (number {int(lengths.argmin())})",
            expected="at least 2 tokens each",
            remedy="Write the task's cache again.",
        )
    fitting = np.flatnonzero(lengths <= sequence_length + 1).astype(np.uint32)
    dropped, longest = len(lengths) - len(fitting), int(lengths.max())
    if dropped and (too_long == "error" or not len(fitting)):
        remedy = (
            f"Set SEQUENCE_LENGTH to {longest - 1} or more, or make the task's examples shorter"
        )
        if len(fitting):
            remedy += (
                f", or set Batches.too_long = 'drop' to train without {dropped} of "
                f"{len(lengths)} examples"
            )
        raise ConfigurationError(
            "SEQUENCE_LENGTH",
            found=sequence_length,
            expected=f"at least {longest - 1}: the longest example of {task} has {longest} tokens",
            remedy=f"{remedy}.",
        )
    return fitting
