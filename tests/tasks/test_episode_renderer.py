"""Episodes become examples, augmented where they are for training, and everything is counted."""

from __future__ import annotations

import dataclasses

import gin
import pytest

from granite_fc.calls.syntax import parse_calls
from tasks.augmentations import AugmentationConfig
from tasks.augmentations.config import CHANGE_KINDS
from tasks.episode_renderer import EpisodeRenderer
from tasks.renderers import RenderingContext
from tasks.rendering_config import RenderingConfig
from tests.augmentations.worlds import HOTELS
from tests.renderers import episodes as hand

EVERYTHING = AugmentationConfig(irrelevance=0.5, **dict.fromkeys(CHANGE_KINDS, 1.0))


@pytest.fixture(autouse=True)
def no_gin_bindings():
    gin.clear_config()
    yield
    gin.clear_config()


def renderer(subtask, augmentation=EVERYTHING, count_tokens=None, **settings):
    config = RenderingConfig(nothing_left_rate=0.0, **settings)
    return EpisodeRenderer(subtask, RenderingContext(config, count_tokens), augmentation)


def record(episode, split):
    return {"episode": episode.to_json(), "split": split}


def grounded(number=0):
    return dataclasses.replace(HOTELS, episode_id=str(number), ungrounded=())


def test_held_out_episodes_stay_as_they_are():
    plain = renderer("umbrella", AugmentationConfig())(record(grounded(), "train"))
    for split in ("validation", b"unseen_service"):
        assert renderer("umbrella")(record(grounded(), split)) == plain
    for split in ("train", b"train"):
        assert renderer("umbrella")(record(grounded(), split)) != plain


def test_further_examples_that_no_call_answers_come_last_and_are_counted():
    render = renderer("umbrella", AugmentationConfig(irrelevance=0.5))
    whole, irrelevant = render(record(grounded(), "train"))
    assert [call.name for call in parse_calls(whole["targets"]).calls] == ["FindHotel", "BookHotel"]
    assert parse_calls(irrelevant["targets"]).calls == ()
    assert irrelevant["episode_id"] == "0/irrelevance"
    assert "hotel" not in irrelevant["inputs"].split("USER:")[0].lower()
    assert render.counts["augmented_irrelevance"] == render.counts["no_call"] == 1


def test_the_detail_of_functions_does_not_tell_a_negative_from_the_episode_that_it_is_from():
    config = AugmentationConfig(irrelevance=0.5)
    details = {"function_detail": {"full": 1, "signature": 1}}
    found = set()
    for number in range(30):
        for limit in range(900, 4000, 300):
            render = renderer(
                "umbrella", config, count_tokens=len, sequence_length=limit, **details
            )
            examples = render(record(grounded(number), "train"))
            forms = ['"parameters": ' in example["inputs"] for example in examples]
            if len(forms) == 2:
                found.add((render.counts["leaner_detail"] > 0, *forms))
    assert found == {(False, True, True), (False, False, False), (True, False, False)}


def test_an_episode_without_examples_of_a_subtask_gets_no_negative_of_it():
    assert renderer("parallel_calls")(record(grounded(), "train")) == []


def test_negatives_of_augmentations_do_not_pass_a_second_filter():
    render = renderer(
        "umbrella", AugmentationConfig(irrelevance=0.5), negative_rates={"umbrella": 0}
    )
    assert len(render(record(grounded(), "train"))) == 2


def test_labels_are_those_of_the_renamed_functions():
    for number in range(10):
        (whole, *_) = renderer("umbrella")(record(grounded(number), "train"))
        calls = parse_calls(whole["targets"]).calls
        assert len(calls) == 2
        library = whole["inputs"].split("USER:")[0]
        for call in calls:
            assert f'"name": "{call.name}"' in library
            assert all(f'"{name}"' in library for name in call.arguments)


def test_masked_parameters_keep_their_descriptions_or_are_not_masked():
    config = AugmentationConfig(mask_parameters=1.0)
    shortest = None
    for limit in range(2000, 200, -20):
        render = renderer("umbrella", config, count_tokens=len, sequence_length=limit)
        examples = render(record(grounded(), "train"))
        if not examples:
            break
        (example,) = examples
        if '"city"' not in example["targets"]:
            assert "Where to stay" in example["inputs"]
            shortest = limit
        else:
            assert render.counts["augmented_mask_parameters"] == 0
            assert render.counts["too_long"] == 0
            break
    else:
        pytest.fail("nothing was too long")
    assert shortest is not None and examples


def test_answers_without_a_call_are_told_apart_by_their_reason():
    render = renderer("next_best_function", AugmentationConfig())
    for episode in (hand.NO_FUNCTION, hand.CHAINED):
        render(record(episode, "train"))
    assert (render.counts["no_call"], render.counts["nothing_left"]) == (1, 1)
