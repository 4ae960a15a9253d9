"""A model answers the items of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Request
from granite_fc.decoding.sampling import GREEDY, SamplingConfig
from granite_fc.evaluation.items import FAILURE_OF, PROMPT_TOO_LONG, Answer, Item
from granite_fc.vocabularies.vocabulary import Vocabulary

# Items answered, and items in all.
Progress = Callable[[int, int], None]


def answer_items(
    engine: Engine,
    vocabulary: Vocabulary,
    items: Sequence[Item],
    *,
    max_positions: int,
    max_new_tokens: Mapping[str, int],
    sampling: SamplingConfig = GREEDY,
    seed: int = 0,
    constrained: bool = False,
    progress: Progress = lambda done, total: None,
    narrowed: set[str] | None = None,
    adapter_of: Callable[[Item], str | None] = lambda item: None,
) -> dict[str, Answer]:
    """Answers every item once.

    Args:
        engine: The model.
        vocabulary: Its vocabulary.
        items: What to answer.
        max_positions: Positions of the model: an item whose prompt takes more, or leaves none to
            write, is not put to it: its answer says so.
        max_new_tokens: Most tokens of an answer, the end of sequence included, by task.
        sampling: How tokens are drawn.
        seed: Of the sampling; each item draws by its own place.
        constrained: Whether answers have to follow the items' grammars, where they have one.
        progress: Told how far it is.
        narrowed: Gets the parameters whose values the grammars keep to more than schemas say.
        adapter_of: Says which of the engine's adapters answer an item; None for the model as it is.

    Returns:
        One answer for every item, by `item_id`.
    """
    answers: dict[str, Answer] = {}
    asked: list[Item] = []
    requests: list[Request] = []
    for place, item in enumerate(items):
        prompt = item.prompt_ids if item.prompt_ids is not None else vocabulary.encode(item.prompt)
        if not 1 <= len(prompt) <= max_positions:
            answers[item.item_id] = Answer("", PROMPT_TOO_LONG)
            continue
        grammar = item.grammar() if constrained and item.grammar is not None else None
        if narrowed is not None and grammar is not None:
            narrowed.update(getattr(grammar, "narrowed", ()))
        asked.append(item)
        requests.append(
            Request(
                prompt,
                max_new_tokens[item.task],
                sampling=sampling,
                seed=(seed << 32) + place,
                grammar=grammar,
                complete=item.complete,
                adapter=adapter_of(item),
            )
        )
    progress(len(answers), len(items))
    for written in engine.stream(requests):
        if written.answer is not None:
            failure = FAILURE_OF.get(written.answer.finish)
            # Uncut: where a model goes on after its answer, that is part of what it said.
            text = vocabulary.decode(written.answer.tokens)
            answers[asked[written.request].item_id] = Answer(text, failure)
            progress(len(answers), len(items))
    return answers
