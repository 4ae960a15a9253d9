"""Settings that make no sense end with a message that names them."""

from __future__ import annotations

import pytest

from granite_fc.errors import ConfigurationError
from tasks.rendering_config import RenderingConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_functions", 0),
        ("function_detail", "long"),
        ("function_details", {"umbrella": "long"}),
        ("function_details", {"chaining": "full"}),
        ("negative_rates", {"nested": 0.5}),
        ("negative_rates", {"umbrella": 1.5}),
        ("negative_rates", {"moon_umbrella": 0.5}),
        ("function_detail", {"long": 1}),
        ("function_detail", {"full": 0}),
        ("function_details", {"umbrella": {"full": -1}}),
        ("sequence_length", 1),
        ("num_functions", (4, 2)),
        ("num_functions", (0, 2)),
        ("dialect", "chatml"),
        ("dialect_shares", {"chatml": 1.0}),
        ("dialect_shares", {"granite": -1.0}),
        ("dialect_shares", {"granite": 0.0}),
        ("instructions", "long"),
        ("nothing_left_rate", 2.0),
        ("ungrounded", "drop"),
        ("shed_order", ("history", "request")),
        ("too_long", "cut"),
    ],
)
def test_wrong_settings_are_named(field, value):
    with pytest.raises(ConfigurationError, match=rf"RenderingConfig\.{field}"):
        RenderingConfig(**{field: value})


def test_names_need_no_parameters_unless_asked_for():
    config = RenderingConfig(function_detail="full", function_details={"umbrella": "paper"})
    assert config.detail_of("nested_calls") == "full"
    assert config.detail_of("umbrella") == "paper"
    assert config.detail_of("name_detection") == "description"
    assert config.detail_of("next_best_function") == "description"
    own = RenderingConfig(function_details={"name_detection": "signature"})
    assert own.detail_of("name_detection") == "signature"
    assert own.detail_of("next_best_function") == "description"


def test_several_details_have_shares_of_the_episodes():
    config = RenderingConfig(function_detail={"full": 1, "signature": 3})
    drawn = [config.detail_of("umbrella", f"e{i}") for i in range(400)]
    assert 70 < drawn.count("full") < 130 and set(drawn) == {"full", "signature"}
    assert drawn != [config.detail_of("nested_calls", f"e{i}") for i in range(400)]
    assert config.detail_of("name_detection", "e1") == "description"
    assert config.content("umbrella", "sgd")["function_detail"] == {"full": 0.25, "signature": 0.75}
    alone = RenderingConfig(function_detail={"full": 2, "paper": 0})
    assert alone.content("umbrella", "sgd") == RenderingConfig().content("umbrella", "sgd")


def test_the_negatives_of_one_source_have_a_rate_of_their_own():
    config = RenderingConfig(negative_rates={"sgd_nested_calls": 0.05, "nested_calls": 0.5})
    assert config.negative_rate_of("nested_calls", "sgd") == 0.05
    assert config.negative_rate_of("nested_calls", "topv2") == 0.5
    assert config.negative_rate_of("umbrella", "star") == 1.0
    contents = [config.content("nested_calls", source) for source in ("sgd", "topv2")]
    assert [content["negative_rate"] for content in contents] == [0.05, 0.5]


def test_content_says_all_that_decides_the_examples():
    base = RenderingConfig()
    others = [
        RenderingConfig(seed=1),
        RenderingConfig(num_functions=2),
        RenderingConfig(function_detail="paper"),
        RenderingConfig(function_details={"umbrella": "paper"}),
        RenderingConfig(negative_rates={"umbrella": 0.5}),
        RenderingConfig(sequence_length=64),
        RenderingConfig(too_long="drop"),
        RenderingConfig(num_functions=(2, 8)),
        RenderingConfig(dialect="hermes"),
        RenderingConfig(dialect_shares={"granite": 1.0, "hermes": 1.0}),
        RenderingConfig(instructions="short"),
        RenderingConfig(nothing_left_rate=0.5),
        RenderingConfig(ungrounded="keep"),
        RenderingConfig(shed_order=("distractors",)),
    ]
    contents = [str(config.content("umbrella", "sgd")) for config in (base, *others)]
    assert len(set(contents)) == len(contents) - 1  # two ways to say the same
    assert contents[3] == contents[4]


def test_shares_are_of_one_whole_and_a_single_dialect_is_one():
    shares = {"hermes": 1, "granite": 3, "openai": 0}
    config = RenderingConfig(dialect="granite3", dialect_shares=shares)
    assert config.dialects == {"granite": 0.75, "hermes": 0.25}
    assert RenderingConfig(dialect="openai").dialects == {"openai": 1.0}
    same = RenderingConfig(dialect_shares={"granite": 6.0, "hermes": 2.0})
    assert same.content("umbrella", "sgd") == config.content("umbrella", "sgd")
