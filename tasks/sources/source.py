"""A data set that examples come from, and what decides their content; loads no TensorFlow."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from granite_fc.data.fingerprint import code_digest
from granite_fc.errors import ConfigurationError
from tasks.contamination.check import (
    Contamination,
    ContaminationConfig,
    contamination_content,
)
from tasks.sources.held_out import SplitConfig
from tasks.sources.raw_files import RawFolder, digest_of
from tasks.sources.records import Record
from tasks.sources.splits import DealtSplits, Division

_SHARED_CODE = (
    "granite_fc.calls",
    "tasks.contamination.check",
    "tasks.contamination.fingerprints",
    "tasks.keyed",
    "tasks.sources.episode",
    "tasks.sources.grounding",
    "tasks.sources.held_out",
    "tasks.sources.library_changes",
    "tasks.sources.links",
    "tasks.sources.overlap",
    "tasks.sources.raw_files",
    "tasks.sources.records",
    "tasks.sources.said",
    "tasks.sources.said_dates",
    "tasks.sources.said_numbers",
    "tasks.sources.splits",
    "tasks.sources.told_time",
    "tasks.sources.user_texts",
    "tasks.sources.spool",
    "tasks.sources.validation_rows",
)


@dataclasses.dataclass(frozen=True)
class Source:
    """One data set.

    Attributes:
        name: Prefix of its tasks' names.
        title: What it is called.
        licence: Under which its text may be used.
        homepage: Where it is described and, for public data, can be cloned from.
        subtasks: The sub-tasks that its episodes have examples for.
        parser_version: Version of the parser, in TFDS's form.
        parser: Module with `episodes(directory, split, config)` and `FILES`, patterns of the raw
            files that it reads; or with `files(config)`, where the settings say which. It may have
            `OWN_SPLITS`, where it has others than train and validation.
        config: The parser's settings: MODULE:CLASS.
        modules: Further modules that decide the content of its episodes.
        folders: Names that its folder in the data directory may have; none where the data is
            generated.
        writes_calls: Whether its calls have their arguments; else there are only names to learn,
            and no umbrella examples.
        deals_splits: Whether the source itself keeps what is to be unseen out of its train split,
            so that it is neither divided by function nor searched for near-duplicates. The
            simulator deals values and ways to say things to its splits; short requests that come
            out alike are then meant to.
        given_settings: The settings, where they are not gin's for `config`.
    """

    name: str
    title: str
    licence: str
    homepage: str
    subtasks: tuple[str, ...]
    parser_version: str
    parser: str
    config: str
    modules: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    writes_calls: bool = True
    deals_splits: bool = False
    given_settings: Any = None

    def settings(self) -> Any:
        """Returns the parser's settings as gin has them at the moment."""
        if self.given_settings is not None:
            return self.given_settings
        module, _, name = self.config.partition(":")
        return getattr(importlib.import_module(module), name)()

    def content(self) -> dict[str, Any]:
        """Returns all settings that decide what the episodes say, as JSON values."""
        return {
            "source": self.name,
            "parser_version": self.parser_version,
            "settings": _content_of(self.settings()),
            **self._pipeline(),
        }

    def directory(self, data_dir: str | Path | None) -> Path | None:
        """Returns the folder of raw data; None where the data is generated.

        Raises:
            ConfigurationError: There is none.
        """
        if not self.folders:
            return None
        remedy = (
            f"Clone {self.homepage} there as {self.folders[0]}, with --gin.DATA_DIR=THERE, or do "
            f"without it: --gin.mixture_rates.leave_out='[\"{self.name}\"]'."
        )
        if data_dir is None:
            raise ConfigurationError(
                "DATA_DIR",
                found=None,
                expected=f"a directory with {self.folders[0]}, the data of {self.title}",
                remedy=remedy,
            )
        for folder in self.folders:
            if (Path(data_dir) / folder).is_dir():
                return Path(data_dir) / folder
        raise ConfigurationError(
            "DATA_DIR",
            found=f"no {Path(data_dir) / self.folders[0]}",
            expected=f"the data of {self.title} in it",
            remedy=remedy,
        )

    def data_files(self, data_dir: str | Path | None) -> tuple[str, ...]:
        """Returns the paths of the raw files that the episodes are made from.

        Raises:
            ConfigurationError: They are not there.
        """
        if hasattr(self._parser(), "files"):
            return tuple(str(path) for path in self._parser().files(self.settings()))
        directory = self.directory(data_dir)
        if directory is None:
            return ()
        return tuple(str(path) for path in RawFolder(directory).files(self._parser().FILES))

    def division(
        self,
        data_dir: str | Path | None,
        config: Any = None,
        *,
        spool_directory: str | Path | None = None,
    ) -> Division | DealtSplits:
        """Reads the raw data and divides it, as gin's `SplitConfig` and `ContaminationConfig` say.

        Args:
            data_dir: The directory of raw data.
            config: The parser's settings; by default as gin has them.
            spool_directory: Where the episodes are kept meanwhile; by default the system's place
                for temporary files.

        Raises:
            ConfigurationError: The raw data is not there.
        """
        directory, parser = self.directory(data_dir), self._parser()

        def read(split: str) -> Iterator[Record]:
            yield from parser.episodes(directory, split, config)

        contamination = Contamination(ContaminationConfig())
        if self.deals_splits:
            return DealtSplits(read, self.own_splits(), contamination)
        return Division(
            self.name, read, self.own_splits(), SplitConfig(), contamination, spool_directory
        )

    def episodes(
        self, data_dir: str | Path | None, split: str, config: Any = None
    ) -> Iterator[Record]:
        """Yields the episodes, rejects, coercions and overlaps of a split of `cache_files.SPLITS`.

        All of the raw data is read for it: whoever wants several splits takes a `division`.

        Raises:
            ConfigurationError: The raw data is not there.
        """
        yield from self.division(data_dir, config).records(split)

    def digest(self, data_dir: str | Path | None, config: Any = None) -> str:
        """Returns a hash of all that decides the episodes: settings, code and raw files.

        Raises:
            ConfigurationError: The raw data is not there.
        """
        settings = config or self.settings()
        record = {
            "settings": _content_of(settings),
            "pipeline": self._pipeline(),
            "code": code_digest((self.parser, *self.modules, *_SHARED_CODE)),
            "data": self._data_digest(data_dir, settings),
        }
        written = json.dumps([self.name, self.parser_version, record], sort_keys=True)
        return hashlib.blake2b(written.encode(), digest_size=8).hexdigest()

    def own_splits(self) -> tuple[str, ...]:
        """Returns the splits that the parser knows, which are some of `cache_files.SPLITS`."""
        return getattr(self._parser(), "OWN_SPLITS", ("train", "validation"))

    def _pipeline(self) -> dict[str, Any]:
        """Returns what is done to the episodes after the parser, as JSON values."""
        return {
            "splits": None if self.deals_splits else dataclasses.asdict(SplitConfig()),
            "contamination": contamination_content(ContaminationConfig()),
        }

    def _data_digest(self, data_dir: str | Path | None, settings: Any) -> str | None:
        if hasattr(self._parser(), "files"):
            return digest_of((path.name, path) for path in self._parser().files(settings))
        directory = self.directory(data_dir)
        return None if directory is None else RawFolder(directory).digest(self._parser().FILES)

    def _parser(self) -> Any:
        return importlib.import_module(self.parser)


def _content_of(settings: Any) -> dict[str, Any]:
    """Returns the settings that decide what episodes say, and not, say, where their data lies."""
    without = {
        f.name for f in dataclasses.fields(settings) if not f.metadata.get("decides_content", True)
    }
    return {
        name: value for name, value in dataclasses.asdict(settings).items() if name not in without
    }
