"""Adapters of several runs beside one frozen base, each for the requests of a sub-task."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from granite_fc.checkpoints.checkpoints import STATE
from granite_fc.checkpoints.hf.stored import chunks
from granite_fc.checkpoints.initial import find_checkpoint, read_data
from granite_fc.data import declarations
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.attach import split
from granite_fc.training.finished import finished_params, wants_average
from granite_fc.training.layout import BASE
from granite_fc.training.resumption import lasting_settings
from granite_fc.training.trained_model import TrainedModel

_KEY = "--adapter"
# What the checkpoint's own adapters are called in reports.
OWN = "the checkpoint's own"


@dataclasses.dataclass(frozen=True)
class SwitchedAdapters:
    """Which adapters answer what, in place of those of a checkpoint.

    Attributes:
        checkpoints: Sub-task to the checkpoint of its adapters; None stands for all other requests.
    """

    checkpoints: Mapping[str | None, Path]

    @classmethod
    def find(cls, texts: Sequence[str], checkpoint: Path) -> SwitchedAdapters:
        """Finds adapters and checks that they stand beside a checkpoint's base; needs no device.

        Args:
            texts: `[SUBTASK=]DIR` each, DIR as `find_checkpoint` takes it.
            checkpoint: The checkpoint in whose place they answer, as `configure` returned it.

        Raises:
            ConfigurationError: There is no such sub-task, it has two, a folder holds no adapters,
                or they are of another shape, vocabulary or base than the checkpoint's.
        """
        found: dict[str | None, Path] = {}
        for text in texts:
            subtask, path = _parsed(text)
            if subtask in found:
                raise ConfigurationError(
                    _KEY,
                    found=f"{text}, and {found[subtask]} before it",
                    expected=f"one for {subtask or 'all other requests'}",
                )
            found[subtask] = find_checkpoint(path, key=_KEY)
        for directory in dict.fromkeys(found.values()):
            _check(directory, checkpoint)
        return cls(found)

    @property
    def subtasks(self) -> tuple[str, ...]:
        """The sub-tasks that have adapters of their own."""
        return tuple(subtask for subtask in self.checkpoints if subtask is not None)

    def of(self, subtask: str | None) -> str | None:
        """Returns what an engine calls the adapters that answer a sub-task.

        Args:
            subtask: That of a request; None where it has none.

        Returns:
            A name for `granite_fc.decoding.request.Request.adapter`, which is the path of their
            checkpoint; None for the checkpoint's own.
        """
        directory = self.checkpoints.get(subtask, self.checkpoints.get(None))
        return None if directory is None else str(directory)

    def facts(self, subtasks: Iterable[str]) -> dict[str, str]:
        """Says which adapters answer each of some sub-tasks; nothing where none are switched."""
        if not self.checkpoints:
            return {}
        return {f"adapters of {each}": self.of(each) or OWN for each in dict.fromkeys(subtasks)}

    def load(
        self, model: TrainedModel, overrides: Sequence[tuple[str, str]] = ()
    ) -> dict[str, dict[str, Any]]:
        """Reads the adapters onto the devices of the model, spread as its own are.

        Args:
            model: That of the checkpoint.
            overrides: Those given on the command line; see `load` of a `TrainedModel`.

        Returns:
            Name to adapters, as `granite_fc.decoding.engine.Engine` takes them.
        """
        abstract = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding),
            split(model.params)[0],
        )
        loaded = {}
        for directory in dict.fromkeys(self.checkpoints.values()):
            about = read_data(directory)
            use_ema = wants_average(about, overrides)
            loaded[str(directory)] = finished_params(directory, about, abstract, use_ema=use_ema)
        return loaded


def _parsed(text: str) -> tuple[str | None, str]:
    subtask, equals, path = text.partition("=")
    if not equals or "/" in subtask:
        return None, text
    known = declarations.subtasks()
    if subtask not in known:
        near = difflib.get_close_matches(subtask, known, n=3, cutoff=0.4)
        raise ConfigurationError(
            _KEY,
            found=text,
            expected=f"[SUBTASK=]DIR, with a sub-task of {', '.join(known)}",
            remedy=f"Nearest: {', '.join(near)}." if near else "",
        )
    return subtask, path


def _check(directory: Path, checkpoint: Path) -> None:
    """Checks that a checkpoint's adapters may stand where another's do."""
    other, own = read_data(directory), read_data(checkpoint)
    for key, where, about in (("--checkpoint", checkpoint, own), (_KEY, directory, other)):
        if about["model"].get("adapter") is None:
            raise ConfigurationError(
                key, found=f"{where}, which holds no adapters", expected="a run that trained some"
            )
    there, here = lasting_settings(other["model"]), lasting_settings(own["model"])
    _check_same(
        directory,
        checkpoint,
        {name: (there[name], here[name]) for name in there if name in here},
    )
    words, own_words = other.get("vocabulary"), own.get("vocabulary")
    if words is not None and own_words is not None and words["digest"] != own_words["digest"]:
        _check_same(directory, checkpoint, {"vocabulary": (_named(words), _named(own_words))})
    _check_same(directory, checkpoint, {"base": (_base(directory), _base(checkpoint))})


def _check_same(
    directory: Path, checkpoint: Path, values: Mapping[str, tuple[object, object]]
) -> None:
    differing = {name: pair for name, pair in values.items() if pair[0] != pair[1]}
    if differing:
        raise ConfigurationError(
            _KEY,
            found=f"{directory} with "
            + ", ".join(f"{name} {there}" for name, (there, _) in differing.items()),
            expected=", ".join(f"{name} {here}" for name, (_, here) in differing.items())
            + f" as of {checkpoint}",
        )


def _named(vocabulary: Mapping[str, str]) -> str:
    return f"{vocabulary['name']} ({vocabulary['digest'][:12]})"


def _base(directory: Path) -> str:
    """The fingerprint of the model for which a checkpoint's adapters were made."""
    # Read as it was written: Orbax would ask for the devices.
    ((_, number),) = chunks(directory / STATE, BASE, ())
    return f"with fingerprint {int(number):08x}"
