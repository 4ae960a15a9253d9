"""Reads the values of a GGUF header one after the other, each held against what is left."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from granite_fc.errors import ConfigurationError

# The numbers of the types of values, and numpy's names of those that are numbers.
_NUMBERS = {
    0: "u1",
    1: "i1",
    2: "u2",
    3: "i2",
    4: "u4",
    5: "i4",
    6: "f4",
    10: "u8",
    11: "i8",
    12: "f8",
}
_BOOL, _STRING, _ARRAY = 7, 8, 9

# Headers of vocabularies of 260,000 tokens have about 16 MB. The bound keeps what a lying file of
# many gigabytes can fill the memory with small.
_LONGEST_HEADER = 64 * 2**20
_DEEPEST_ARRAY = 4


class Cursor:
    """A place in a header, from which values are read.

    Args:
        opened: The file, at its start.
        name: Its name for messages.
        size: Its length in bytes.
    """

    def __init__(self, opened: BinaryIO, name: str, size: int) -> None:
        self._opened = opened
        self._name = name
        self._size = size
        self.position = 0

    def check_room(self, count: int, what: str) -> None:
        """Checks that so many bytes follow.

        Args:
            count: Bytes.
            what: What they are, for the message.

        Raises:
            ConfigurationError: They do not, or the header would be longer than any.
        """
        if self.position + count > self._size:
            raise ConfigurationError(
                self._name,
                found=f"{what} from byte {self.position:,} on, in a file of {self._size:,} bytes",
                expected="a whole GGUF file",
                remedy="Was its download cut short?",
            )
        if self.position + count > _LONGEST_HEADER:
            raise ConfigurationError(
                self._name,
                found=f"{what} at byte {self.position:,}",
                expected=f"a header of at most {_LONGEST_HEADER:,} bytes",
            )

    def take(self, count: int, what: str) -> bytes:
        """Returns the next `count` bytes."""
        self.check_room(count, what)
        data = self._opened.read(count)
        self.position += len(data)
        if len(data) < count:
            raise ConfigurationError(
                self._name, found=f"{what} cut short", expected="a file that nobody writes to"
            )
        return data

    def integer(self, dtype: str, what: str) -> int:
        """Returns the next unsigned integer, of the type "u4" or "u8"."""
        return int.from_bytes(self.take(int(dtype[1]), what), "little")

    def text(self, what: str) -> str:
        """Returns the next string."""
        data = self.take(self.integer("u8", what), what)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ConfigurationError(
                self._name, found=f"{what} that is {data[:40]!r}", expected="UTF-8"
            ) from error

    def value(self, kind: int, key: str, depth: int = 0) -> Any:
        """Returns the next value.

        Args:
            kind: The number of its type.
            key: What it is the value of.
            depth: Arrays that it lies in.

        Returns:
            An int, a float, a bool or a string; of an array, a numpy array of numbers or booleans,
            or a list of strings or arrays.
        """
        if kind == _STRING:
            return self.text(key)
        if kind == _ARRAY:
            return self._array(key, depth + 1)
        value = self._numbers(kind, 1, key)[0]
        # A float32 is told as the shortest decimal that it stands for: 1e-05, not 9.99999975e-06.
        return float(str(value)) if kind == 6 else value.item()

    def _array(self, key: str, depth: int) -> Any:
        kind = self.integer("u4", f"the type of {key}")
        count = self.integer("u8", f"the length of {key}")
        if kind in (_STRING, _ARRAY):
            if depth > _DEEPEST_ARRAY:
                raise ConfigurationError(
                    f"{self._name}: {key}",
                    found="arrays in arrays in arrays",
                    expected=f"at most {_DEEPEST_ARRAY} in each other",
                )
            self.check_room(count * 8, f"{key} of {count:,} values")
            return [self.value(kind, key, depth) for _ in range(count)]
        return self._numbers(kind, count, key)

    def _numbers(self, kind: int, count: int, key: str) -> np.ndarray:
        if kind == _BOOL:
            values = np.frombuffer(self.take(count, key), np.uint8)
            if (values > 1).any():
                raise ConfigurationError(
                    f"{self._name}: {key}", found=int(values.max()), expected="0 or 1"
                )
            return values.astype(bool)
        if (name := _NUMBERS.get(kind)) is None:
            raise ConfigurationError(
                f"{self._name}: {key}", found=f"a value of the type {kind}", expected="0 to 12"
            )
        dtype = np.dtype(f"<{name}")
        return np.frombuffer(self.take(count * dtype.itemsize, key), dtype)
