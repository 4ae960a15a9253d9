"""The names of the seven sub-tasks, of the umbrella task, and of what each needs to know."""

from __future__ import annotations

NESTED_CALLS = "nested_calls"
FUNCTION_CHAINING = "function_chaining"
PARALLEL_CALLS = "parallel_calls"
NAME_DETECTION = "name_detection"
PARAMETER_DETECTION = "parameter_detection"
NEXT_BEST_FUNCTION = "next_best_function"
RESPONSE_GENERATION = "response_generation"

# The baseline that the seven are measured against: every episode once, as its full call sequence.
UMBRELLA = "umbrella"

SUBTASKS = (
    NESTED_CALLS,
    FUNCTION_CHAINING,
    PARALLEL_CALLS,
    NAME_DETECTION,
    PARAMETER_DETECTION,
    NEXT_BEST_FUNCTION,
    RESPONSE_GENERATION,
)

# Those whose targets are calls in full.
CALL_SUBTASKS = (NESTED_CALLS, FUNCTION_CHAINING, PARALLEL_CALLS, UMBRELLA)

# Those whose targets may refer to outputs, so that the library has to show what functions return.
SUBTASKS_WITH_REFERENCES = (NESTED_CALLS, FUNCTION_CHAINING, UMBRELLA)
