"""The seven sub-tasks of function calling as tasks and mixtures.

Importing this package declares them, without TensorFlow; `tasks.mixtures` registers the same names
with SeqIO.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import Any

from granite_fc.conventions import declare_conventions
from granite_fc.data.declarations import (
    MixtureDeclaration,
    TaskDeclaration,
    declare_mixture,
    declare_seqio_module,
    declare_task,
    declare_tasks_of_configuration,
)
from tasks.augmentations import AugmentationConfig
from tasks.completion import completion
from tasks.constraints import grammar
from tasks.conventions import RenderedConventions
from tasks.judging import judge
from tasks.provenance import provenance
from tasks.rates import SUBTASKS_OF_MIXTURE, all_tasks, mixture_rates, task_name, user_tasks
from tasks.rendering_config import RenderingConfig
from tasks.sources.locations import source_locations
from tasks.sources.registry import SOURCES, all_sources
from tasks.targets import exact_match


def _content(source: str, subtask: str) -> Mapping[str, Any]:
    return {
        "augmentations": AugmentationConfig().content(),
        "rendering": RenderingConfig().content(subtask, source),
        "source": all_sources()[source].content(),
    }


def _provenance(source: str) -> Mapping[str, Any]:
    return provenance(source, AugmentationConfig().content())


def _data_files(source: str) -> tuple[str, ...]:
    return all_sources()[source].data_files(source_locations().data_dir)


def _declaration(source: str, subtask: str) -> TaskDeclaration:
    return TaskDeclaration(
        name=task_name(source, subtask),
        subtask=subtask,
        source=source,
        content=functools.partial(_content, source, subtask),
        data_files=functools.partial(_data_files, source),
        exact_match=exact_match(subtask),
        judge=judge(subtask, source),
        grammar=grammar(subtask),
        complete=completion(subtask),
        provenance=functools.partial(_provenance, source),
        # What a user's data has examples of is known when it has been read.
        may_be_empty=source not in SOURCES or source == "user",
    )


def _user_declarations() -> list[TaskDeclaration]:
    return [_declaration(*pair) for pair in user_tasks()]


def _declare() -> None:
    for pair in all_tasks():
        declare_task(_declaration(*pair))
    declare_tasks_of_configuration(_user_declarations)
    for mixture in SUBTASKS_OF_MIXTURE:
        declare_mixture(MixtureDeclaration(mixture, functools.partial(mixture_rates, mixture)))
    declare_seqio_module("tasks.mixtures")
    declare_conventions(RenderedConventions())


def _import_settings() -> None:
    """Makes the settings of every source known to gin."""
    for source in SOURCES.values():
        importlib.import_module(source.config.partition(":")[0])
    importlib.import_module("tasks.sources.user_sources")


_declare()
_import_settings()
