"""Kinds, shapes, shares, and episodes as pure functions of seed, split and index."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter

import gin
import pytest

from granite_fc.errors import ConfigurationError
from tasks.sources.episode import AssistantTurn, CallTurn, Episode, UserTurn
from tasks.sources.simulator import SimulatorConfig, generate_episodes
from tasks.sources.simulator.config import DEFAULT_KINDS
from tasks.sources.simulator.episodes import generate_drafts

DIGEST = """
import hashlib
from tasks.sources.simulator import generate_episodes
lines = [e.to_json() for e in generate_episodes(3, "validation", 50, 150)]
print(hashlib.sha256("\\n".join(lines).encode()).hexdigest())
"""


def test_another_process_makes_the_same_episodes():
    lines = [episode.to_json() for episode in generate_episodes(3, "validation", 50, 150)]
    here = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", DIGEST]
        made = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert made.stdout.strip() == here


def test_a_range_is_its_parts():
    whole = list(generate_episodes(5, "train", 0, 60))
    parts = [*generate_episodes(5, "train", 0, 25), *generate_episodes(5, "train", 25, 35)]
    assert parts == whole


def test_seeds_and_splits_differ():
    texts = [
        [episode.turns[0].text for episode in generate_episodes(seed, split, 0, 50)]
        for seed, split in ((0, "train"), (1, "train"), (0, "validation"))
    ]
    assert len({text for block in texts for text in block}) > 145


def test_importing_loads_no_framework():
    code = (
        "import sys, tasks.sources.simulator; "
        "print([m for m in ('jax', 'tensorflow', 'seqio', 'numpy') if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "jax" not in loaded.stdout and "tensorflow" not in loaded.stdout
    assert "seqio" not in loaded.stdout


def test_episodes_survive_json(drafts):
    for _, draft in drafts[::4]:
        assert Episode.from_json(draft.episode.to_json()) == draft.episode


def test_ids_are_unique(train):
    assert len({draft.episode.episode_id for draft in train}) == len(train)


def test_few_requests_repeat(train):
    first = [draft.episode.turns[0].text for draft in train]
    assert len(set(first)) > 0.97 * len(first)


def test_shares_of_kinds(drafts):
    counts = Counter(draft.kind for _, draft in drafts)
    for kind, share in DEFAULT_KINDS.items():
        assert counts[kind] / len(drafts) == pytest.approx(share, abs=0.025), kind


def test_shares_can_be_chosen():
    drafts = list(generate_drafts(0, "train", 0, 300, {"nested": 1, "single": 2, "chained": 0}))
    counts = Counter(draft.kind for draft in drafts)
    assert set(counts) == {"nested", "single"}
    assert counts["nested"] / 300 == pytest.approx(1 / 3, abs=0.08)


@pytest.mark.parametrize(
    "kinds", [{"looped": 1.0}, {"single": -1}, {"single": 0.0}, {"single": "1"}, {}]
)
def test_wrong_shares_are_refused(kinds):
    with pytest.raises(ConfigurationError, match="kinds"):
        SimulatorConfig(kinds=kinds)
    with pytest.raises(ConfigurationError, match="kinds"):
        next(generate_episodes(0, "train", 0, 1, kinds))


@pytest.mark.parametrize("name", ["train_episodes", "validation_episodes", "seed"])
@pytest.mark.parametrize("value", [-1, 1.5, True, "10"])
def test_wrong_numbers_are_refused(name, value):
    with pytest.raises(ConfigurationError, match=name):
        SimulatorConfig(**{name: value})


def test_gin_binds_the_configuration():
    gin.clear_config()
    try:
        gin.parse_config("""
            SimulatorConfig.train_episodes = 12
            tasks.sources.SimulatorConfig.kinds = {"single": 1.0}
        """)
        config = SimulatorConfig(seed=4)
        assert (config.episodes("train"), config.seed, config.kinds) == (12, 4, {"single": 1.0})
    finally:
        gin.clear_config()


def graphs(drafts, kind):
    return [
        [turn.calls for _, turn in draft.episode.call_turns()]
        for _, draft in drafts
        if draft.kind == kind
    ]


def test_graphs_are_of_their_kind(drafts):
    assert all(len(graph) == 1 for (graph,) in graphs(drafts, "single"))
    assert all(graph.is_nested for (graph,) in graphs(drafts, "nested"))
    assert all(graph.is_parallel for (graph,) in graphs(drafts, "parallel"))


def test_chained_calls_are_made_one_by_one(drafts):
    episodes = [draft.episode for _, draft in drafts if draft.kind == "chained"]
    assert len(episodes) > 500
    for episode in episodes:
        kinds = [type(turn) for turn in episode.turns]
        assert kinds in ([UserTurn, *[CallTurn] * n, AssistantTurn] for n in (2, 3))
        assert all(len(turn.calls) == 1 for _, turn in episode.call_turns())


def test_nested_calls_have_every_shape(drafts):
    shapes = Counter()
    for (graph,) in graphs(drafts, "nested"):
        uses = graph.dependencies()
        used_by = Counter(producer for producers in uses for producer in producers)
        if any(len(producers) > 1 for producers in uses):
            shapes["diamond" if any(n > 1 for n in used_by.values()) else "fan in"] += 1
        elif any(n > 1 for n in used_by.values()):
            shapes["fan out"] += 1
        else:
            shapes[f"chain of {len(graph)}"] += 1
    total = sum(shapes.values())
    assert shapes["chain of 2"] > 0.5 * total
    for shape in ("chain of 3", "fan in", "fan out"):
        assert shapes[shape] > 0.04 * total, shapes
    assert shapes["diamond"] > 0.02 * total, shapes


def test_parallel_calls_are_of_one_function_or_of_several(drafts):
    same = [len(set(graph.names)) == 1 for (graph,) in graphs(drafts, "parallel")]
    assert 0.7 < sum(same) / len(same) < 0.9


def test_no_call_is_made_twice(drafts):
    for _, draft in drafts:
        for _, turn in draft.episode.call_turns():
            made = [(call.name, str(call.arguments)) for call in turn.calls]
            assert len(set(made)) == len(made), made


def test_later_turns_use_earlier_results(drafts):
    turns = graphs(drafts, "multi_turn")
    referring = [len(graphs) == 2 and bool(graphs[1].known_labels) for graphs in turns]
    assert 0.55 < sum(referring) / len(referring) < 0.75


def test_most_episodes_need_one_or_two_calls(drafts):
    sizes = Counter(
        sum(len(turn.calls) for _, turn in draft.episode.call_turns()) for _, draft in drafts
    )
    assert max(sizes) <= 5
    assert (sizes[1] + sizes[2]) / sum(sizes.values()) > 0.7
    assert 0.03 < (sizes[3] + sizes[4] + sizes[5]) / sum(sizes.values()) < 0.2


def test_libraries(drafts):
    for _, draft in drafts:
        episode = draft.episode
        offered = [spec.name for spec in (*episode.functions, *episode.distractors)]
        assert len(set(offered)) == len(offered)
        assert 3 <= len(episode.distractors) <= 6
        called = [call.name for _, turn in episode.call_turns() for call in turn.calls]
        needed = list(dict.fromkeys(called))
        assert offered[: len(needed)] == needed
        assert len(episode.functions) > len(needed)


def test_every_function_is_called(train):
    called = {c.name for d in train for _, turn in d.episode.call_turns() for c in turn.calls}
    from tasks.sources.simulator.links import ALL

    assert called == {function.name for function in ALL}


def test_requests_are_short_sentences(drafts):
    lengths = []
    for _, draft in drafts:
        for turn in draft.episode.turns:
            if isinstance(turn, UserTurn):
                lengths.append(len(turn.text.split()))
                assert turn.text[-1] in ".?", turn.text
                assert not set("{}[]") & set(turn.text), turn.text
                assert "  " not in turn.text
    assert sum(lengths) / len(lengths) < 20
    assert sorted(lengths)[int(0.98 * len(lengths))] < 50
