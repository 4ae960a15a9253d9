"""The tasks and mixtures as SeqIO gives them, on a few episodes in place of the sources."""

from __future__ import annotations

import collections

import gin
import numpy as np
import pytest
import seqio
import tensorflow as tf

from granite_fc.data import declarations
from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies.train_sentencepiece import train_sentencepiece
from tasks import mixtures
from tasks.episode_renderer import present_renderer, present_vocabulary
from tasks.rates import SUBTASKS_OF_MIXTURE, all_tasks, task_name
from tasks.renderers import RENDERERS
from tasks.subtasks import SUBTASKS, UMBRELLA
from tasks.vocabulary import SeqioVocabulary
from tests.renderers import episodes
from tests.renderers.test_golden import rendered

EPISODES = (
    episodes.NESTED,
    episodes.PARALLEL,
    episodes.DIALOGUE,
    episodes.NO_FUNCTION,
    episodes.MISSING,
)

REGISTERED_SOURCES = {pair: seqio.TaskRegistry.get(task_name(*pair)).source for pair in all_tasks()}


@pytest.fixture(scope="module")
def vocabulary_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "small.model"
    texts = [rendered(subtask) for subtask in RENDERERS]
    path.write_bytes(train_sentencepiece(texts, 400).model)
    return path


@pytest.fixture(autouse=True)
def configuration(vocabulary_file, monkeypatch):
    gin.clear_config()
    gin.parse_config(
        f"load_vocabulary.path = {str(vocabulary_file)!r}\n"
        "RenderingConfig.function_detail = 'signature'"
    )
    for pair in all_tasks():
        monkeypatch.setattr(seqio.TaskRegistry.get(task_name(*pair)), "_source", stand_in())
    yield
    gin.clear_config()


def stand_in():
    def dataset(split, shuffle_files, seed=None):
        return tf.data.Dataset.from_tensor_slices(
            {
                "episode_id": [episode.episode_id for episode in EPISODES],
                "episode": [episode.to_json() for episode in EPISODES],
            }
        )

    return seqio.FunctionDataSource(dataset, splits=("train", "validation"))


def read(name, **arguments):
    dataset = seqio.get_mixture_or_task(name).get_dataset(
        split="train", shuffle=False, num_epochs=1, **arguments
    )
    return list(dataset.as_numpy_iterator())


def test_seqio_and_the_engine_know_every_name():
    ours = {task_name(*pair) for pair in all_tasks()} | set(SUBTASKS_OF_MIXTURE)
    assert ours <= {*seqio.TaskRegistry.names(), *seqio.MixtureRegistry.names()}
    assert ours <= set(declarations.names())
    declarations.register_with_seqio()


def test_the_tasks_of_a_source_share_one_reader():
    readers = collections.defaultdict(set)
    for (source, _), reader in REGISTERED_SOURCES.items():
        readers[source].add(id(reader))
    assert {len(ids) for ids in readers.values()} == {1}
    assert len({id(reader) for reader in REGISTERED_SOURCES.values()}) == len(readers)


@pytest.mark.parametrize("subtask", RENDERERS)
def test_the_plain_function_and_the_dataset_agree(subtask):
    task = seqio.get_mixture_or_task(f"simulator_{subtask}")
    plain = task.preprocessors[0].plain
    expected = [
        example
        for episode in EPISODES
        for example in plain({"episode": episode.to_json().encode()})
    ]
    assert expected
    vocabulary = present_vocabulary()
    found = read(task.name, sequence_length=None)
    assert len(found) == len(expected)
    for text, example in zip(expected, found, strict=True):
        assert example["inputs"].tolist() == vocabulary.encode(text["inputs"])
        ids = [*vocabulary.encode(text["targets"]), vocabulary.eos_id]
        assert example["targets"].tolist() == ids
        assert example["inputs"].dtype == example["targets"].dtype == np.int32
        whole = vocabulary.encode(text["inputs"] + text["targets"])
        assert [*example["inputs"], *ids[:-1]] == whole
        assert example["inputs_pretokenized"].decode() == text["inputs"]


def test_the_mixture_of_every_source_can_be_read():
    assert read("granite_fc", sequence_length=None)


@pytest.mark.parametrize("name", [*SUBTASKS, UMBRELLA])
def test_mixtures_can_be_read(name):
    gin.parse_config("mixture_rates.sources = {'simulator': 1.0, 'sgd': 1.0}")
    assert read(name, sequence_length=None)
    short = read(name, sequence_length={"inputs": 9, "targets": 4})
    assert all(len(e["inputs"]) <= 9 and len(e["targets"]) <= 4 for e in short)


def test_a_source_without_a_rate_is_not_touched(monkeypatch):
    gin.parse_config("mixture_rates.sources = {'simulator': 1.0}")

    def fail(*args, **kwargs):
        raise AssertionError("read")

    for source, subtask in all_tasks():
        if source != "simulator":
            task = seqio.TaskRegistry.get(task_name(source, subtask))
            monkeypatch.setattr(task.source, "get_dataset", fail)
    mixture = seqio.get_mixture_or_task("granite_fc")
    assert {task.name for task in mixture.tasks} == {f"simulator_{s}" for s in SUBTASKS}
    assert read("granite_fc", sequence_length=None)


def test_mixtures_draw_by_the_rates():
    gin.parse_config(
        "mixture_rates.sources = {'simulator': 1.0}\n"
        "mixture_rates.subtasks = {'name_detection': 3.0, 'parameter_detection': 1.0}"
    )
    mixture = seqio.get_mixture_or_task("granite_fc")
    dataset = mixture.get_dataset(None, "train", shuffle=False, num_epochs=None, seed=0)
    vocabulary = present_vocabulary()
    drawn = collections.Counter(
        vocabulary.decode(example["targets"].tolist()).startswith("{")
        for example in dataset.take(400).as_numpy_iterator()
    )
    assert 60 <= drawn[True] <= 140


def test_seqio_draws_by_what_the_caches_say(tmp_path, monkeypatch):
    gin.parse_config(
        f"cache_directory.cache_dir = {str(tmp_path)!r}\n"
        "mixture_rates.sources = {'simulator': 1.0}\n"
        "mixture_rates.subtasks = 'proportional'"
    )
    mixture = seqio.get_mixture_or_task("granite_fc_without_nested_calls")
    names = {f"simulator_{subtask}" for subtask in SUBTASKS} - {"simulator_nested_calls"}
    # Before there are caches it is known which tasks there are, and not how often they are drawn.
    assert {task.name for task in mixture.tasks} == names
    task = seqio.TaskRegistry.get("simulator_umbrella")
    with pytest.raises(ConfigurationError, match="no cache of it"):
        mixture.get_rate(task)
    sizes = {name: 10 * number for number, name in enumerate(sorted(names), start=1)}

    def cached(cache_dir):
        return lambda task: declarations.TaskCounts(sizes[task], 1, 1)

    monkeypatch.setattr(mixtures, "cached_counts", cached)
    rates = mixture.rate_per_task_name
    assert rates == {name: float(size) for name, size in sizes.items()}
    assert rates == declarations.mixture_rates(mixture.name, cached(tmp_path))
    assert mixture.get_rate(task) == 0.0


def test_a_budget_is_kept_and_counted():
    preprocessor = seqio.TaskRegistry.get("sgd_next_best_function").preprocessors[0]
    vocabulary = present_vocabulary()
    seen = set()

    def lengths():
        plain = preprocessor.plain
        made = [e for episode in EPISODES for e in plain({"episode": episode.to_json()})]
        return [len(vocabulary.encode(e["inputs"] + e["targets"])) for e in made]

    whole = lengths()
    for limit in sorted(whole):
        gin.parse_config(f"RenderingConfig.sequence_length = {limit}")
        kept = lengths()
        assert max(kept, default=0) <= limit
        counts = preprocessor.plain.counts
        assert counts["too_long"] == len(whole) - len(kept)
        seen |= {kind for kind, count in counts.items() if count}
    assert {"trimmed_history", "shed_functions", "too_long"} <= seen


def test_the_renderer_follows_gin_and_keeps_its_counts():
    first = present_renderer("umbrella")
    assert present_renderer("umbrella", first) is first
    gin.parse_config("RenderingConfig.sequence_length = 40")
    second = present_renderer("umbrella", first)
    assert second is not first
    assert present_renderer("umbrella", second) is second


def test_metrics():
    task = seqio.get_mixture_or_task("simulator_umbrella")
    gold = [
        '<function_call> {"name": "f", "arguments": {"x": 1}}',
        '<function_call> {"name": "no_function", "arguments": {}}',
    ]
    answers = [' <function_call> {"name":"f","arguments":{"x":1.0}}', gold[0]]
    targets = [task.postprocess_fn(text, example=None, is_target=True) for text in gold]
    (metric,) = task.metric_fns
    found = metric(targets, [task.postprocess_fn(text) for text in answers])
    assert found["exact_match"] == found["name_sequence_accuracy"] == 50.0
    assert found["parse_rate"] == found["needless_calls"] == found["name_recall"] == 100.0
    assert found["name_precision"] == found["parameter_precision"] == 50.0
    assert found["needless_refusals"] == found["abstention_recall"] == 0.0
    assert not {"hallucination_rate", "type_errors", "win_rate"} & found.keys()
    assert metric([], []) == {"exact_match": 0.0}


def test_metrics_of_replies():
    (metric,) = seqio.get_mixture_or_task("simulator_response_generation").metric_fns
    found = metric(["It is 4 degrees.", "Done."], ["It is 4 degrees.", "It is 5."])
    assert found["exact_match"] == 50.0 and 50.0 <= found["rouge_l"] < 100.0
    assert found["bleu_corpus"] < 100.0
    # Whether the prompt gave the 5 is not known.
    assert not {"invented_values", "grounded_replies", "grounded_values"} & found.keys()


def test_the_vocabulary_gives_text_back():
    vocabulary = SeqioVocabulary()
    wrapped = vocabulary.wrapped
    assert vocabulary.vocab_size == wrapped.size
    for text in ("", "a", 'USER: "é"\n\n  x\t☃\n'):
        ids = vocabulary.encode(text)
        assert ids == wrapped.encode(text) == vocabulary.encode_tf(text).numpy().tolist()
        assert vocabulary.decode(ids) == text
        assert vocabulary.decode([*ids, vocabulary.eos_id]) == text
        assert vocabulary.decode_tf(tf.constant(ids, tf.int32)).numpy().decode() == text
    assert vocabulary.decode_tf(tf.zeros([0], tf.int32)).numpy() == b""
    assert vocabulary.decode_tf(tf.zeros([2, 0], tf.int32)).numpy().tolist() == [b"", b""]
    # What an end-of-sequence id inside a text is stays there.
    inside = [vocabulary.eos_id, *vocabulary.encode("a")]
    assert vocabulary.decode(inside) == wrapped.decode(inside)
    batch = vocabulary.encode_tf(tf.constant(["ab\n", "c"]))
    assert [row.tolist() for row in batch.numpy()] == [wrapped.encode("ab\n"), wrapped.encode("c")]
    assert [t.decode() for t in vocabulary.decode_tf(batch).numpy()] == ["ab\n", "c"]
    assert vocabulary == SeqioVocabulary(wrapped)


def test_a_vocabulary_has_to_be_named():
    gin.clear_config()
    with pytest.raises(ConfigurationError, match=r"load_vocabulary\.path"):
        SeqioVocabulary().encode("a")
