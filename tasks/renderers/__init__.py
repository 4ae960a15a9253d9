"""Episodes as (inputs, targets) text, one file a sub-task."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping

from tasks.renderers import (
    function_chaining,
    name_detection,
    nested_calls,
    next_best_function,
    parallel_calls,
    parameter_detection,
    response_generation,
    umbrella,
)
from tasks.renderers.example import Example, RenderingContext
from tasks.renderers.token_counter import TokenCounter
from tasks.sources.episode import Episode

Renderer = Callable[[Episode, RenderingContext], list[Example]]

RENDERERS: Mapping[str, Renderer] = types.MappingProxyType(
    {
        module.__name__.rpartition(".")[2]: module.render
        for module in (
            nested_calls,
            function_chaining,
            parallel_calls,
            name_detection,
            parameter_detection,
            next_best_function,
            response_generation,
            umbrella,
        )
    }
)

__all__ = ["RENDERERS", "Example", "Renderer", "RenderingContext", "TokenCounter"]
