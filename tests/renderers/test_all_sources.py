"""Over all sources and dialects: a target says the calls of its episode, exactly."""

from __future__ import annotations

import itertools

import pytest

from benchmarks.round_trips import problem
from granite_fc.vocabularies.load import load_vocabulary
from tasks.dialects import DIALECTS, dialect_of_calls
from tasks.renderers import RENDERERS, RenderingContext, TokenCounter
from tasks.rendering_config import RenderingConfig
from tasks.sources.episode import Episode
from tasks.sources.registry import SOURCES
from tasks.sources.simulator import generate_episodes
from tasks.subtasks import CALL_SUBTASKS
from tests.real_data import DATA_DIR, needs_public_data
from tests.renderers import episodes as hand
from tests.sources import raw_data

NUM_EPISODES = 20
FIXTURES = {
    "glaive": raw_data.write_glaive,
    "sgd": lambda directory: raw_data.write_sgd(
        directory, [raw_data.hotel_dialogue("1"), raw_data.two_service_dialogue("2")]
    ),
    "snips": raw_data.write_snips,
}
REAL = [
    name
    for name, source in SOURCES.items()
    if source.folders and not set(CALL_SUBTASKS).isdisjoint(source.subtasks)
]


@pytest.fixture(scope="module")
def counter():
    return TokenCounter(load_vocabulary("granite_fc_2k"))


def parsed(name, directory, number=NUM_EPISODES):
    source = SOURCES[name]
    records = source._parser().episodes(directory, "train", source.settings())
    return list(itertools.islice((r for r in records if isinstance(r, Episode)), number))


def check(episodes, counter):
    vocabulary = load_vocabulary("granite_fc_2k")
    for (name, dialect), subtask in itertools.product(DIALECTS.items(), CALL_SUBTASKS):
        settings = dict(dialect=name, nothing_left_rate=1.0)
        contexts = [
            RenderingContext(RenderingConfig(**settings)),
            RenderingContext(RenderingConfig(sequence_length=1500, **settings), counter),
        ]
        for episode, context in itertools.product(episodes, contexts):
            for inputs, targets in RENDERERS[subtask](episode, context):
                assert dialect_of_calls(targets) is dialect
                assert problem(episode, subtask, inputs, targets) is None
                assert vocabulary.decode(vocabulary.encode(targets)) == targets


def test_episodes_written_by_hand(counter):
    names = ("NESTED", "PARALLEL", "CHAINED", "DIALOGUE", "NO_FUNCTION", "MISSING")
    check([getattr(hand, name) for name in names], counter)


def test_the_simulator(counter):
    check(list(generate_episodes(0, "train", 0, 60)), counter)


@pytest.mark.parametrize("name", FIXTURES)
def test_raw_data_written_by_hand(name, tmp_path, counter):
    episodes = parsed(name, FIXTURES[name](tmp_path))
    assert episodes
    check(episodes, counter)


@needs_public_data
@pytest.mark.parametrize("name", REAL)
def test_real_data(name, counter):
    episodes = parsed(name, SOURCES[name].directory(DATA_DIR))
    assert len(episodes) == NUM_EPISODES
    check(episodes, counter)
