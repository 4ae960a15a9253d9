"""What `granite-fc generate` tells its user beside the answers."""

from __future__ import annotations

from collections.abc import Collection

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from granite_fc.decoding.constraint import AnswerGrammar
from granite_fc.decoding.request import Answer
from granite_fc.visible_text import visible


class Notes:
    """Tells things on standard error, and the text of answers on standard output.

    Args:
        is_leader: Whether this host is the one that tells; the others say nothing.

    Attributes:
        is_leader: As given.
    """

    def __init__(self, is_leader: bool) -> None:
        self.is_leader = is_leader
        self._console = Console(stderr=True, highlight=False)
        self._narrowed: set[str] = set()

    def say(self, text: str, style: str = "") -> None:
        """Tells a line."""
        if self.is_leader:
            self._console.print(Text(visible(text), style=style))

    def write(self, text: str) -> None:
        """Prints a piece of an answer, or all of it."""
        if self.is_leader:
            print(visible(text), end="", flush=True)

    def end_of(self, answer: Answer) -> None:
        """Tells why an answer ended, where it is not whole."""
        if answer.finish == "length":
            self.say(f"[cut off after {len(answer.tokens)} tokens]")
        elif answer.finish == "no_room":
            self.say("[the shortest answer takes more tokens than there are left]")

    def narrowed(self, grammar: AnswerGrammar) -> None:
        """Tells, once each, of the places where a grammar allows less than its schema."""
        for place in getattr(grammar, "narrowed", ()):
            if place not in self._narrowed:
                self.say(f"[kept to more than its schema says: {place}]")
            self._narrowed.add(place)

    def unused(self, subtasks: Collection[str], asked: Collection[str | None]) -> None:
        """Tells of adapters that have nothing to answer, such as a sub-task's beside a prompt.

        Args:
            subtasks: The sub-tasks that have adapters.
            asked: Those as which something is asked.
        """
        for subtask in subtasks:
            if subtask not in asked:
                self.say(f"[nothing is asked as {subtask}: its adapters are not used]")

    def progress(self, total: int) -> Progress:
        """Returns a bar of so many answers, shown on terminals alone, with one task."""
        progress = Progress(
            TextColumn("answering"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not (self._console.is_terminal and self.is_leader),
        )
        progress.add_task("answering", total=total)
        return progress
