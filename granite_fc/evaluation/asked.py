"""Which requests an evaluation asks."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from granite_fc import configuration
from granite_fc.conventions import Conventions
from granite_fc.data import declarations
from granite_fc.data.cache_reader import open_task
from granite_fc.data.cache_status import ensure_cache, missing_tasks
from granite_fc.data.locations import cache_directory
from granite_fc.data.manifest import read_manifest
from granite_fc.data.permutation import key_of, shuffled
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.items import Item
from granite_fc.evaluation.mixture_items import item_id, mixture_items
from granite_fc.evaluation.suites.items import suite_items
from granite_fc.evaluation.suites.suite import Suite
from granite_fc.training.hosts import Hosts
from granite_fc.vocabularies.load import load_vocabulary

# How long one host may write caches while the others wait.
_CACHES_SECONDS = 24 * 3600


@dataclasses.dataclass(frozen=True)
class Asked:
    """The requests.

    Attributes:
        items: What is asked.
        not_asked: The ids of what belongs to the same set and is outside of the sample.
    """

    items: Sequence[Item]
    not_asked: frozenset[str]

    @property
    def num_all(self) -> int:
        """Number of requests of the whole set."""
        return len(self.items) + len(self.not_asked)


def asked_of_suite(suite: Suite, conventions: Conventions, limit: int | None) -> Asked:
    """Asks a suite's items, or some of each category: the same ones for every model, in order.

    Args:
        suite: The suite.
        conventions: How a model is asked.
        limit: Most items of a category; None for all.
    """
    items = suite_items(suite, conventions)
    chosen: set[str] = set()
    for group in dict.fromkeys(item.group for item in items):
        members = [item.item_id for item in items if item.group == group]
        order = shuffled(len(members), key_of(0, "evaluation", group))
        chosen.update(members[place] for place in order[:limit])
    return Asked(
        [item for item in items if item.item_id in chosen],
        frozenset(item.item_id for item in items if item.item_id not in chosen),
    )


def asked_of_mixture(
    mixture: str, split: str, limit: int | None, ids: Collection[str] | None, hosts: Hosts
) -> Asked:
    """Asks held-out examples of every task of a mixture, as gin configures it at the moment.

    Args:
        mixture: A mixture or a task.
        split: The held-out split.
        limit: Most examples of a task; None for all. They are those that a run answers while it
            trains.
        ids: The examples to ask, in place of `limit`; others are passed over.
        hosts: Of which one writes the caches that are missing.

    Raises:
        ConfigurationError: There is no such mixture or split, or a cache does not fit.
    """
    vocabulary, cache_dir = load_vocabulary(), cache_directory()
    names = declarations.mixture_tasks(mixture)
    # The examples that a run has held out stay those of its caches, whatever has become of the raw
    # files and of the code that made them.
    missing = missing_tasks(names, cache_dir, vocabulary, raw_files=False, code=False)
    if hosts.is_leader:
        ensure_cache(missing, cache_dir, vocabulary)
    hosts.wait_for_all("caches", _CACHES_SECONDS)
    held_out = [
        open_task(cache_dir, name, split)
        for name in names
        if (manifest := read_manifest(cache_dir, name)) is not None and manifest.has_examples(split)
    ]
    if not held_out:
        raise ConfigurationError(
            "--split",
            found=f"{split}, of which {mixture} has no example",
            expected="a split that a task of it has",
        )
    items = mixture_items(
        held_out,
        vocabulary,
        limit=limit,
        sequence_length=configuration.macro("SEQUENCE_LENGTH"),
        ids=ids,
    )
    every = frozenset(
        item_id(examples.name, index) for examples in held_out for index in range(len(examples))
    )
    return Asked(items, every - {item.item_id for item in items})
