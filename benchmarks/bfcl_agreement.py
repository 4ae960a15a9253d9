"""Whether granite_fc's BFCL matcher and bfcl-eval's `ast_checker` say the same.

    python -m benchmarks.bfcl_agreement [--bfcl=FOLDER] [--answers=5000] [--seed=0]

Takes accepted answers of all categories with calls, in Python, Java and JavaScript, changes each in
one to three ways (`benchmarks.bfcl_mutations`) and has both judge it. Where they differ the cause
has to be a known one, and both have to agree once it is taken out of the answer
(`benchmarks.bfcl_differences`). Prints how often each cause was found; the exit status is 1 where a
difference has none, and 2 where the data is not there.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import random
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.bfcl_differences import DIFFERENCES, Judges, explained, ours
from benchmarks.bfcl_mutations import Calls, mutated
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.suites.bfcl.files import data_folder, read_rows
from granite_fc.evaluation.suites.bfcl.suite import AST_CATEGORIES, Bfcl
from granite_fc.evaluation.suites.bfcl.values import Declared
from granite_fc.evaluation.suites.suite import SuiteItem

_SHOWN = 5


class Reference(NamedTuple):
    """bfcl-eval's checker, and the items as it takes them.

    Attributes:
        check: Its `ast_checker`.
        java: Its reader of Java source text.
        javascript: Its reader of JavaScript source text.
        languages: Its enumeration of languages.
        documents: Item to function documents.
        answers: Item to accepted answers.
    """

    check: Callable[..., Mapping[str, Any]]
    java: Callable[..., Any]
    javascript: Callable[..., Any]
    languages: Any
    documents: Mapping[str, list]
    answers: Mapping[str, list]

    def verdict(
        self, item: SuiteItem, calls: Calls, without: frozenset[str] = frozenset()
    ) -> bool | str:
        """Whether it accepts an answer, or the name of the exception that it ends with.

        Args:
            item: The item.
            calls: The answer.
            without: Parameters to leave out of the answer and of the item.
        """
        language = {
            "simple_java": self.languages.JAVA,
            "simple_javascript": self.languages.JAVASCRIPT,
        }.get(item.category, self.languages.PYTHON)
        documents, answers = self.documents[item.id], self.answers[item.id]
        if without:
            calls, answers = (
                [{name: _less(values, without) for name, values in call.items()} for call in made]
                for made in (calls, answers)
            )
            documents = [_document(document, without) for document in documents]
        try:
            result = self.check(documents, calls, answers, language, item.category, "model")
        except Exception as error:
            return type(error).__name__
        return bool(result["valid"])

    def judges(self, item: SuiteItem) -> Judges:
        """What a difference on an item is looked into with."""
        read = self.java if item.category == "simple_java" else self.javascript

        def reading(text: str, declared: Declared) -> Any:
            items = (declared.item_type,) if declared.item_type else ()
            return read(text, declared.type, *items)

        return Judges(lambda calls, without: self.verdict(item, calls, without), reading)


class Agreement(NamedTuple):
    """What a comparison found.

    Attributes:
        answers: Number of answers that were judged.
        accepted: Number of those that both accept.
        refused: Number of those that both refuse.
        differences: Class to number of differences that have it as a cause.
        unexplained: Item, answer, and both verdicts of every difference without a known cause.
    """

    answers: int
    accepted: int
    refused: int
    differences: Mapping[str, int]
    unexplained: Sequence[tuple[str, Calls, bool, bool | str]]


def load_reference(package: Path) -> Reference:
    """Loads the checker alone: its registry of models, which imports their clients, is stubbed.

    Args:
        package: The folder `bfcl_eval`.
    """
    registry = types.ModuleType("bfcl_eval.constants.model_config")
    plain = types.SimpleNamespace(underscore_to_dot=False)
    vars(registry)["MODEL_CONFIG_MAPPING"] = collections.defaultdict(lambda: plain)
    sys.modules[registry.__name__] = registry
    sys.path.insert(0, str(package.parent))
    try:
        checker = importlib.import_module("bfcl_eval.eval_checker.ast_eval.ast_checker")
        languages = importlib.import_module("bfcl_eval.constants.enums").Language
    finally:
        sys.path.remove(str(package.parent))
    documents, answers = {}, {}
    for category in AST_CATEGORIES:
        for row in read_rows(package / "data", category, answered=True):
            documents[row.id], answers[row.id] = row.functions, row.accepted or []
    return Reference(
        checker.ast_checker,
        checker.java_type_converter,
        checker.js_type_converter,
        languages,
        documents,
        answers,
    )


def compare(suite: Bfcl, reference: Reference, answers: int, seed: int) -> Agreement:
    """Has both judge changed answers, as many of each category.

    Args:
        suite: The items, of all categories with calls.
        reference: The other judge.
        answers: Number of answers.
        seed: Of the answers.
    """
    rng = random.Random(seed)
    items: dict[str, list[SuiteItem]] = {}
    for item in suite.items:
        items.setdefault(item.category, []).append(item)
    both: collections.Counter[bool] = collections.Counter()
    differences: collections.Counter[str] = collections.Counter()
    unexplained = []
    for number in range(answers):
        item = rng.choice(items[AST_CATEGORIES[number % len(AST_CATEGORIES)]])
        calls, _ = mutated(suite, item, rng)
        accepted = suite.accepted[item.id]
        we, they = ours(calls, accepted), reference.verdict(item, calls)
        if we == they:
            both[we] += 1
            continue
        causes = explained(calls, accepted, reference.judges(item))
        if causes is None:
            unexplained.append((item.id, calls, we, they))
        else:
            differences.update(causes)
    return Agreement(answers, both[True], both[False], differences, unexplained)


def _less(values: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in names}


def _document(document: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    parameters = document["parameters"]
    return {
        **document,
        "parameters": {
            **parameters,
            "properties": _less(parameters["properties"], names),
            "required": [name for name in parameters["required"] if name not in names],
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares and prints; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bfcl", type=Path, help="the folder bfcl_eval (default: as installed)")
    parser.add_argument("--answers", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        folder = data_folder(options.bfcl)
        suite = Bfcl.load(folder, AST_CATEGORIES)
    except ConfigurationError as error:
        print(error.message, file=sys.stderr)
        return 2
    found = compare(suite, load_reference(folder.parent), options.answers, options.seed)
    differing = found.answers - found.accepted - found.refused
    print(
        f"{found.answers:,} changed answers: both accept {found.accepted:,}, both refuse "
        f"{found.refused:,}, they differ on {differing:,}."
    )
    for name, count in sorted(found.differences.items(), key=lambda pair: -pair[1]):
        print(f"{count:6,}  {name}: {DIFFERENCES[name]}.")
    print(f"{len(found.unexplained):6,}  without a known cause.")
    for item, calls, we, they in found.unexplained[:_SHOWN]:
        print(f"        {item}: granite_fc {we}, bfcl-eval {they}: {calls}")
    return 1 if found.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
