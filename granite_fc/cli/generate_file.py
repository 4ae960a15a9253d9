"""`granite-fc generate --input`: a line of answer for every line of request."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from granite_fc.cli.generate_asked import open_output
from granite_fc.cli.generate_model import AskedModel
from granite_fc.cli.generate_notes import Notes
from granite_fc.conventions import conventions
from granite_fc.decoding.request import Answer
from granite_fc.decoding.request_file import FileRequest, OrderedAnswers
from granite_fc.evaluation.items import FAILURE_OF, PROMPT_TOO_LONG


def answer_file(
    model: AskedModel, lines: Sequence[FileRequest], output: str | None, notes: Notes
) -> None:
    """Answers every request of a file, a JSON line each, in their order.

    A line is written as soon as those before it are: what is there when the program is stopped
    stays. A request that the model has no positions for has a line that says so.

    Args:
        model: Who is asked.
        lines: The requests.
        output: The file of the answers, or None to print them.
        notes: Shows how far it is, and says whether this host is the one that writes.
    """
    requests = [model.request(line) for line in lines]
    answers = OrderedAnswers([1 if request is None else request.samples for request in requests])
    asked = [number for number, request in enumerate(requests) if request is not None]
    with _opened(output, notes) as file, notes.progress(answers.total) as progress:
        for number, request in enumerate(requests):
            if request is None:
                answers.put(number, 0, None)
        for written in model.engine.stream([r for r in requests if r is not None]):
            if written.answer is not None:
                answers.put(asked[written.request], written.sample, written.answer)
            for number, answer in answers.next_ones():
                progress.advance(progress.task_ids[0])
                if file is not None:
                    file.write(json.dumps(_record(lines[number], answer), ensure_ascii=False))
                    file.write("\n")
                    file.flush()
    if output is not None:
        notes.say(f"wrote {output}")


@contextlib.contextmanager
def _opened(output: str | None, notes: Notes) -> Iterator[TextIO | None]:
    """Where answers go; None on a host that writes none."""
    if not notes.is_leader:
        yield None
    elif output is None:
        yield sys.stdout
    else:
        with open_output(output) as file:
            yield file


def _record(line: FileRequest, answer: Answer | None) -> dict[str, Any]:
    """The line of an answer; None for a request that was not asked."""
    text = "" if answer is None else answer.text
    record: dict[str, Any] = {"id": line.request_id, "prediction": text}
    if answer is not None and line.request is not None:
        read = conventions().read_calls(text)
        record["calls"] = [call.to_json() for call in read.calls]
        if read.error is not None:
            record["error"] = read.error
    failure = PROMPT_TOO_LONG if answer is None else FAILURE_OF.get(answer.finish)
    return record if failure is None else record | {"failure": failure}
