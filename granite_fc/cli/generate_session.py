"""What `granite-fc generate` does, once it knows with which model."""

from __future__ import annotations

import argparse
from pathlib import Path

from granite_fc.cli.generate_asked import read_asked, subtask_of
from granite_fc.cli.generate_chat import chat
from granite_fc.cli.generate_file import answer_file
from granite_fc.cli.generate_model import AskedModel
from granite_fc.cli.generate_notes import Notes
from granite_fc.conventions import conventions
from granite_fc.decoding.request_file import FileRequest
from granite_fc.decoding.streaming import tell_answer
from granite_fc.errors import ConfigurationError
from granite_fc.training.hosts import Hosts
from granite_fc.training.switched_adapters import SwitchedAdapters


def generate(arguments: argparse.Namespace, directory: Path, hosts: Hosts) -> None:
    """Answers what the command line asks.

    Args:
        arguments: The command line's.
        directory: The checkpoint.
        hosts: Those that hold the model together; each asks the same, one prints.

    Raises:
        ConfigurationError: The model cannot be asked this, or there is no such model.
    """
    if arguments.chat and hosts.count > 1:
        raise ConfigurationError("--chat", found=f"{hosts.count} hosts", expected="one")
    notes = Notes(hosts.is_leader)
    # What is asked is read before the model is: a mistake there is told at once.
    adapters = SwitchedAdapters.find(arguments.adapter, directory)
    asked = read_asked(arguments, conventions(), adapters.subtasks)
    subtasks = {subtask_of(each, conventions()) for each in asked}
    if arguments.chat:
        subtasks = {conventions().calls_subtask, conventions().reply_subtask}
    notes.unused(adapters.subtasks, subtasks)
    model = AskedModel(arguments, directory, adapters, notes)
    if arguments.chat:
        chat(model, arguments, notes)
    elif arguments.input:
        answer_file(model, asked, arguments.output, notes)
    else:
        _answer_one(model, asked[0], notes)


def _answer_one(model: AskedModel, asked: FileRequest, notes: Notes) -> None:
    """Answers one prompt or request, and prints the answer as it is written."""
    request = model.request(asked)
    if request is None:
        raise ConfigurationError(
            "the request",
            found=f"{model.length(asked.prompt)} tokens",
            expected=f"1 to {model.max_positions}, the model's positions",
        )
    if request.samples == 1:
        answer = tell_answer(model.engine, model.vocabulary, request, notes.write)
        notes.write("\n")
        notes.end_of(answer)
        return
    (answers,) = model.engine.answer([request])
    for number, answer in enumerate(answers, start=1):
        notes.write(f"[{number}]\n{answer.text}\n")
        notes.end_of(answer)
