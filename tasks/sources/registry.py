"""The data sets that examples come from; loads no TensorFlow."""

from __future__ import annotations

import dataclasses

from granite_fc.errors import ConfigurationError
from tasks.sources.source import Source


def all_sources() -> dict[str, Source]:
    """Returns `SOURCES` and, by their names, the user's sets that gin has at the moment.

    Raises:
        ConfigurationError: A set of the user has the name of another source.
    """
    # Imported here, since user_sources imports what few need who read one public data set.
    from tasks.sources.user_data import UserDataConfig
    from tasks.sources.user_sources import KEY, user_sources

    user = SOURCES["user"]
    found = {**SOURCES, "user": dataclasses.replace(user, licence=UserDataConfig().licence)}
    for name, settings in user_sources().items():
        if name in found:
            raise ConfigurationError(KEY, found=name, expected="a name that no other source has")
        found[name] = dataclasses.replace(
            user,
            name=name,
            title=f"the user's own data, {name}",
            licence=settings.licence,
            given_settings=settings,
        )
    return found


_ALL = (
    "nested_calls",
    "function_chaining",
    "parallel_calls",
    "name_detection",
    "parameter_detection",
    "next_best_function",
    "response_generation",
)
# Of dialogues whose turns hardly ever have several calls that are independent.
_ALL_BUT_PARALLEL = tuple(subtask for subtask in _ALL if subtask != "parallel_calls")

SOURCES = {
    source.name: source
    for source in (
        Source(
            name="simulator",
            title="the built-in simulator",
            licence="Apache-2.0",
            homepage="",
            subtasks=_ALL,
            parser_version="1.0.0",
            parser="tasks.sources.simulated",
            config="tasks.sources.simulator.config:SimulatorConfig",
            modules=("tasks.sources.simulator",),
            deals_splits=True,
        ),
        Source(
            name="sgd",
            title="Schema-Guided Dialogue",
            licence="CC-BY-SA-4.0",
            homepage="https://github.com/google-research-datasets/dstc8-schema-guided-dialogue",
            subtasks=_ALL_BUT_PARALLEL,
            parser_version="2.0.0",
            parser="tasks.sources.sgd",
            config="tasks.sources.sgd:SgdConfig",
            modules=(
                "tasks.sources.json_records",
                "tasks.sources.sgd_assent",
                "tasks.sources.sgd_dialogue",
                "tasks.sources.sgd_library",
                "tasks.sources.sgd_ratings",
                "tasks.sources.sgd_replies",
                "tasks.sources.sgd_results",
                "tasks.sources.sgd_schema",
                "tasks.sources.sgd_wishes",
                "tasks.sources.value_links",
                "tasks.sources.value_origins",
            ),
            folders=("SGD", "dstc8-schema-guided-dialogue"),
        ),
        Source(
            name="star",
            title="STAR",
            licence="MIT",
            homepage="https://github.com/RasaHQ/STAR",
            # Few of its dialogues book what a search found, and in these checking and booking are
            # hard to tell apart.
            subtasks=(
                "function_chaining",
                "name_detection",
                "parameter_detection",
                "next_best_function",
                "response_generation",
            ),
            parser_version="1.0.0",
            parser="tasks.sources.star",
            config="tasks.sources.star:StarConfig",
            modules=(
                "tasks.sources.json_records",
                "tasks.sources.open_choices",
                "tasks.sources.star_alternatives",
                "tasks.sources.star_bookings",
                "tasks.sources.star_dialogue",
                "tasks.sources.star_functions",
                "tasks.sources.star_names",
                "tasks.sources.star_queries",
                "tasks.sources.star_replies",
                "tasks.sources.value_links",
                "tasks.sources.value_origins",
            ),
            folders=("STAR",),
        ),
        Source(
            name="taskmaster4",
            title="Taskmaster-4",
            licence="CC-BY-4.0",
            homepage="https://github.com/google-research-datasets/Taskmaster",
            subtasks=_ALL_BUT_PARALLEL,
            parser_version="1.0.0",
            parser="tasks.sources.taskmaster4",
            config="tasks.sources.taskmaster4:Taskmaster4Config",
            modules=(
                "tasks.sources.json_records",
                "tasks.sources.taskmaster4_conversation",
                "tasks.sources.taskmaster4_functions",
                "tasks.sources.taskmaster4_orders",
                "tasks.sources.taskmaster4_replies",
                "tasks.sources.taskmaster4_spelling",
                "tasks.sources.taskmaster4_wishes",
                "tasks.sources.value_links",
                "tasks.sources.value_origins",
            ),
            folders=("Taskmaster4", "Taskmaster"),
        ),
        Source(
            name="snips",
            title="SNIPS",
            licence="CC0-1.0",
            homepage="https://github.com/snipsco/nlu-benchmark",
            subtasks=("parallel_calls", "name_detection", "parameter_detection"),
            parser_version="1.0.0",
            parser="tasks.sources.snips",
            config="tasks.sources.snips:SnipsConfig",
            modules=(
                "tasks.sources.joining",
                "tasks.sources.json_records",
                "tasks.sources.snips_functions",
                "tasks.sources.snips_labels",
                "tasks.sources.wording",
            ),
            folders=("SNIPS", "nlu-benchmark"),
        ),
        Source(
            name="slurp",
            title="SLURP",
            licence="CC-BY-4.0",
            homepage="https://github.com/pswietojanski/slurp",
            subtasks=("parallel_calls", "name_detection", "parameter_detection"),
            parser_version="1.0.0",
            parser="tasks.sources.slurp",
            config="tasks.sources.slurp:SlurpConfig",
            modules=(
                "tasks.sources.joining",
                "tasks.sources.json_records",
                "tasks.sources.slurp_functions",
                "tasks.sources.slurp_labels",
                "tasks.sources.slurp_slots",
                "tasks.sources.slurp_utterances",
                "tasks.sources.wording",
            ),
            folders=("SLURP", "slurp"),
        ),
        Source(
            name="seal_tools",
            title="Seal-Tools",
            licence="Apache-2.0",
            homepage="https://github.com/fairyshine/Seal-Tools",
            # Three of its 700 requests have a sensible reference: too few for the other two.
            subtasks=(
                "parallel_calls",
                "name_detection",
                "parameter_detection",
                "next_best_function",
            ),
            parser_version="1.0.0",
            parser="tasks.sources.seal_tools",
            config="tasks.sources.seal_tools:SealToolsConfig",
            modules=("tasks.sources.json_records", "tasks.sources.seal_tools_catalogue"),
            folders=("SealTools", "Seal-Tools"),
        ),
        Source(
            name="api_bank",
            title="API-Bank",
            licence="Apache-2.0",
            homepage="https://github.com/AlibabaResearch/DAMO-ConvAI",
            # Few of its requests ask for several calls: too few for the other sub-tasks.
            subtasks=(
                "name_detection",
                "parameter_detection",
                "next_best_function",
                "response_generation",
            ),
            parser_version="1.0.0",
            parser="tasks.sources.api_bank",
            config="tasks.sources.api_bank:ApiBankConfig",
            modules=(
                "tasks.sources.api_bank_dialogue",
                "tasks.sources.api_bank_functions",
                "tasks.sources.api_bank_text",
                "tasks.sources.json_records",
                "tasks.sources.value_links",
                "tasks.sources.value_origins",
            ),
            folders=("APIBank", "DAMO-ConvAI"),
        ),
        Source(
            name="meta_tool",
            title="MetaTool",
            licence="MIT",
            homepage="https://github.com/HowieHwong/MetaTool",
            subtasks=("name_detection",),
            parser_version="1.0.0",
            parser="tasks.sources.meta_tool",
            config="tasks.sources.meta_tool_choice:MetaToolConfig",
            modules=(
                "tasks.sources.json_records",
                "tasks.sources.meta_tool_choice",
                "tasks.sources.wording",
            ),
            folders=("MetaTool",),
            writes_calls=False,
        ),
        Source(
            name="tau_bench",
            title="tau-bench, its retail tasks",
            licence="MIT",
            homepage="https://github.com/sierra-research/tau-bench",
            subtasks=("name_detection", "parameter_detection", "next_best_function"),
            parser_version="1.0.0",
            parser="tasks.sources.tau_bench",
            config="tasks.sources.tau_bench:TauBenchConfig",
            modules=("tasks.sources.json_records", "tasks.sources.tau_bench_files"),
            folders=("TauBench", "tau-bench"),
        ),
        Source(
            name="topv2",
            title="TOPv2 (the English side of Hinglish-TOP)",
            licence="CC-BY-SA-4.0",
            homepage="https://github.com/google-research-datasets/Hinglish-TOP-Dataset",
            subtasks=("nested_calls", "name_detection", "parameter_detection"),
            parser_version="1.0.0",
            parser="tasks.sources.topv2",
            config="tasks.sources.topv2:TopV2Config",
            modules=("tasks.sources.topv2_functions", "tasks.sources.topv2_slots"),
            folders=("TOPv2_HinglishTOP", "Hinglish-TOP-Dataset"),
        ),
        Source(
            name="multiwoz",
            title="MultiWOZ, with calls derived from its belief states",
            licence="MIT",
            homepage="https://github.com/budzianowski/multiwoz",
            subtasks=_ALL_BUT_PARALLEL,
            parser_version="1.0.0",
            parser="tasks.sources.multiwoz",
            config="tasks.sources.multiwoz:MultiwozConfig",
            modules=(
                "tasks.sources.json_records",
                "tasks.sources.multiwoz_acts",
                "tasks.sources.multiwoz_carried",
                "tasks.sources.multiwoz_choice",
                "tasks.sources.multiwoz_dialogue",
                "tasks.sources.multiwoz_functions",
                "tasks.sources.multiwoz_replies",
                "tasks.sources.multiwoz_search",
                "tasks.sources.multiwoz_searches",
                "tasks.sources.multiwoz_state",
                "tasks.sources.multiwoz_text",
                "tasks.sources.open_choices",
                "tasks.sources.value_links",
                "tasks.sources.value_origins",
            ),
            folders=("MultiWOZ", "multiwoz"),
        ),
        Source(
            name="glaive",
            title="Glaive function calling, its demonstration set",
            licence="Apache-2.0",
            homepage="https://github.com/hiyouga/LLaMA-Factory",
            subtasks=(
                "function_chaining",
                "name_detection",
                "parameter_detection",
                "next_best_function",
                "response_generation",
            ),
            parser_version="1.0.0",
            parser="tasks.sources.glaive",
            config="tasks.sources.glaive:GlaiveConfig",
            modules=(
                "tasks.sources.formats",
                "tasks.sources.value_links",
                "tasks.sources.value_origins",
            ),
            folders=("GlaiveDemo", "LLaMA-Factory"),
        ),
        Source(
            name="user",
            title="the user's own data",
            licence="not stated",
            homepage="",
            subtasks=_ALL,
            parser_version="1.0.0",
            parser="tasks.sources.user_data",
            config="tasks.sources.user_data:UserDataConfig",
            modules=(
                "tasks.sources.formats",
                "tasks.sources.value_links",
                "tasks.sources.value_origins",
            ),
        ),
    )
}
