"""Runs other programs, and shows what it runs."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import shlex
import subprocess
import threading
from collections.abc import Callable, Sequence

from launch.pods.secrets import Mask


class CommandFailed(Exception):
    """A program that ended with an exit status other than 0.

    Attributes:
        command: The program and its arguments.
        status: Its exit status.
        output: What it wrote, where that was captured.
    """

    def __init__(self, command: Sequence[str], status: int, output: str = "") -> None:
        super().__init__(f"exit status {status} from: {shlex.join(command)}")
        self.command = command
        self.status = status
        self.output = output


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a program wrote.

    Attributes:
        status: Its exit status.
        output: Its standard output.
        errors: Its standard error.
    """

    status: int
    output: str
    errors: str


class Shell:
    """Runs programs, each printed first; secrets are masked in all that is printed.

    Attributes:
        dry_run: Print only.
    """

    def __init__(self, *, dry_run: bool = False, mask: Mask | None = None) -> None:
        self.dry_run = dry_run
        self._mask = mask or Mask()
        self._printing = threading.Lock()

    def say(self, text: str) -> None:
        """Prints a line."""
        with self._printing:
            print(self._mask(text), flush=True)

    def show(self, command: Sequence[str]) -> None:
        """Prints a command so that it could be pasted into a terminal."""
        self.say(f"+ {shlex.join(command)}")

    def run(
        self,
        command: Sequence[str],
        *,
        status_matters: bool = True,
        given: str = "",
        read: Callable[[str], str] = str,
    ) -> int:
        """Runs a program and passes on what it writes, line by line.

        Args:
            command: The program and its arguments.
            status_matters: Whether an exit status other than 0 is an error.
            given: What it is given to read; in a dry run printed so that it can be pasted.
            read: Is given each line, and returns what is printed.

        Returns:
            The exit status; 0 in a dry run.

        Raises:
            CommandFailed: It failed, and that matters.
        """
        if self.dry_run and given:
            self.say(f"+ {shlex.join(command)} <<'END'\n{given}\nEND")
        else:
            self.show(command)
        if self.dry_run:
            return 0
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE if given else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            if process.stdin is not None:
                # One that has ended already says why.
                with contextlib.suppress(BrokenPipeError), process.stdin:
                    process.stdin.write(given)
            try:
                for line in process.stdout:
                    self.say(read(line.rstrip("\n")))
            except KeyboardInterrupt:
                process.terminate()
                raise
        if process.returncode and status_matters:
            raise CommandFailed(command, process.returncode)
        return process.returncode

    def run_together(self, commands: Sequence[Sequence[str]]) -> None:
        """Runs several programs at once and waits for all of them.

        Raises:
            CommandFailed: At least one failed.
        """
        if self.dry_run or len(commands) == 1:
            for command in commands:
                self.run(command)
            return
        with concurrent.futures.ThreadPoolExecutor(len(commands)) as pool:
            running = [pool.submit(self.run, command) for command in commands]
        for future in running:
            future.result()

    def ask(self, command: Sequence[str], *, quiet: bool = False) -> Answer:
        """Runs a program and returns what it writes; in a dry run nothing is run or answered.

        Args:
            command: The program and its arguments.
            quiet: Whether it is not printed, because it is one of many alike.
        """
        if not quiet:
            self.show(command)
        if self.dry_run:
            return Answer(0, "", "")
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)
