"""What the assistant says: made of what the calls returned and of nothing else."""

from __future__ import annotations

from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.execute import resolve
from tasks.sources.simulator.composer import Clause, Composer
from tasks.sources.simulator.frames import NO_FUNCTION_REPLIES, QUESTIONS_BACK, REPORTS
from tasks.sources.simulator.phrases import capitalised
from tasks.sources.simulator.registry import Function, value_at


def report(
    composer: Composer, clause: Clause, call: Call, result: Any, results: dict[str, Any]
) -> str:
    """Returns a sentence with what the clause asked for.

    Args:
        composer: Draws the phrasing.
        clause: What was asked.
        call: The call that answers it.
        result: What the call returned.
        results: What the labelled calls of the episode returned.
    """
    function = clause.node.function
    values = {
        name: function.arguments[name].write(value)
        for name, value in resolve(call.arguments, results).items()
    }
    if clause.kind == "command":
        for path, semantic_type in function.outputs.items():
            values[path] = semantic_type.write(value_at(result, path))
        return capitalised(composer.pick(function.done).fill(values))
    noun_phrase = composer.pick(function.nouns[clause.path].train).fill(values)
    value = function.outputs[clause.path].write(value_at(result, clause.path))
    pattern = composer.pick(REPORTS)
    return pattern.format(np=noun_phrase, Np=capitalised(noun_phrase), value=value)


def ask_for(composer: Composer, function: Function, argument: str) -> str:
    """Returns a question for the value of an argument."""
    return composer.pick(QUESTIONS_BACK).format(function.spec.properties[argument]["description"])


def decline(composer: Composer) -> str:
    """Returns a sentence that says that no function fits."""
    return composer.pick(NO_FUNCTION_REPLIES)
