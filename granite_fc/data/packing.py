"""Packs examples of different lengths into rows of one length."""

from __future__ import annotations

import numpy as np


def pack(lengths: np.ndarray, capacity: int) -> tuple[np.ndarray, int]:
    """Assigns items to rows by best fit decreasing.

    The longest go first, each into the fullest row that still has room for it.

    Rows are kept by the room left in them, and one integer holds a bit for every amount of room
    that occurs, so that the best row is found by a shift: the time is that of sorting plus a few
    operations on `capacity` bits an item.

    Args:
        lengths: Integers [n] from 1 to `capacity`.
        capacity: Positions a row.

    Returns:
        int64 [n], the row of each item (equal lengths are taken in the order given), and the number
        of rows.
    """
    order = np.argsort(-lengths.astype(np.int64), kind="stable")
    shortest = int(lengths.min(initial=capacity))
    rows_with_room: list[list[int]] = [[] for _ in range(capacity + 1)]
    rooms = 0
    rows: list[int] = []
    num_rows = 0
    for length in lengths[order].tolist():
        enough = rooms >> length
        if enough:
            room = length + (enough & -enough).bit_length() - 1
            candidates = rows_with_room[room]
            row = candidates.pop()
            if not candidates:
                rooms ^= 1 << room
        else:
            row, room = num_rows, capacity
            num_rows += 1
        rows.append(row)
        room -= length
        # A row that the shortest item does not fit is full.
        if room >= shortest:
            candidates = rows_with_room[room]
            if not candidates:
                rooms |= 1 << room
            candidates.append(row)
    assignment = np.empty(len(lengths), np.int64)
    assignment[order] = rows
    return assignment, num_rows
