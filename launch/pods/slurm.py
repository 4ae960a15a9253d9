"""`launch/slurm.sh`: GPU nodes of a SLURM cluster, through sbatch."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from granite_fc.errors import ConfigurationError
from launch.pods import arguments
from launch.pods.pod import Pod, Slurm
from launch.pods.shell import CommandFailed, Shell

VERBS = {
    "script": "print the batch script",
    "submit": "submit it, unless a job of that name is there",
    "status": "say how the job stands",
    "logs": "follow the log",
    "stop": "let the run write a checkpoint and end for good",
    "delete": "cancel the job, without a checkpoint",
}

# A node that is lost is not the run's fault; but if it always is, something else is wrong.
_LOSSES_PER_FAILURE = 10

# srun gives every task its number, the number of all and the nodes, which `jax.distributed` reads;
# each takes the GPU of its number on the node, so all GPUs must be visible to all of a node's.
_SCRIPT = """\
#!/usr/bin/env bash
#SBATCH --job-name={name}
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node={gpus}
#SBATCH --gpus-per-node={gpus}
#SBATCH --time={time}
#SBATCH --output={notes}.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=TERM@{grace}
{options}set -uo pipefail
notes={notes}
command=({command})

if [[ -e $notes.stopped ]]; then
    echo "stopped before it started"
    exit 0
fi
again() {{ # again NOTES MOST: queues the job again, but no more often than this
    echo "$SLURM_JOB_ID" >>"$notes.$1"
    if (($(wc -l <"$notes.$1") <= $2)); then
        scontrol requeue "$SLURM_JOB_ID"
    fi
}}
trap : TERM  # the tasks get it too, and this script stays to see how they end
{environment}srun --gpu-bind=none --kill-on-bad-exit=0 --wait={grace} {cores}"${{command[@]}}"
status=$?
echo "$(date -u +%FT%TZ) job $SLURM_JOB_ID: ended with status $status"
if [[ -e $notes.stopped ]]; then
    exit "$status"
fi
case $status in
    42) scontrol requeue "$SLURM_JOB_ID" ;;  # preempted after a checkpoint, or out of time
    0 | 2) ;;                                # done, or a configuration that no restart cures
    # srun tells the highest status: that of a host which crashed by itself would be higher.
    43) again losses {max_losses} ;;
    *) again failures {max_failures} ;;
esac
exit "$status"
"""

# Nothing in the values is expanded or executed.
_ENVIRONMENT = """\
if [[ ! -r {path} ]]; then
    echo {path} cannot be read on "$(hostname)" >&2
    exit 2
fi
while IFS= read -r line || [[ -n $line ]]; do
    [[ -z $line || $line == \\#* ]] || export "${{line?}}"
done <{path}
"""


def main(words: Sequence[str] | None = None) -> int:
    """Runs one verb; returns the exit status."""
    return arguments.main(
        "launch/slurm.sh",
        "Trains on the GPU nodes of a SLURM cluster.",
        VERBS,
        _act,
        lambda parser: None,
        words,
        "The job goes on; `stop` and `delete` end it.",
    )


def script(pod: Pod, settings: Slurm, command: Sequence[str]) -> str:
    """Returns the batch script.

    Args:
        pod: The run.
        settings: The cluster.
        command: Arguments of `granite-fc`.
    """
    options = {
        "partition": settings.partition,
        "account": settings.account,
        "cpus-per-task": settings.cpus_per_gpu or "",
    }
    environment = ""
    if pod.environment_path is not None:
        path = shlex.quote(str(pod.environment_path.resolve()))
        environment = _ENVIRONMENT.format(path=path)
    return _SCRIPT.format(
        name=pod.name,
        nodes=settings.nodes,
        gpus=settings.gpus_per_node,
        time=settings.time,
        notes=_notes(pod, settings),
        grace=pod.grace_seconds,
        options="".join(f"#SBATCH --{key}={value}\n" for key, value in options.items() if value),
        command=shlex.join([settings.command, *command]),
        environment=environment,
        # Since 22.05 srun does not take it from sbatch.
        cores=f"--cpus-per-task={settings.cpus_per_gpu} " if settings.cpus_per_gpu else "",
        max_failures=pod.max_failures,
        max_losses=pod.max_failures * _LOSSES_PER_FAILURE,
    )


def _act(pod: Pod, shell: Shell, options: argparse.Namespace) -> int:
    settings = pod.slurm
    if settings is None:
        raise ConfigurationError(str(options.config), found="no [slurm]", expected="[slurm]")
    notes = _notes(pod, settings)
    match options.verb:
        case "script":
            shell.say(script(pod, settings, arguments.required(options)))
        case "submit":
            _submit(pod, settings, shell, arguments.required(options))
        case "status":
            jobs = _jobs(pod, shell)
            if not shell.dry_run:
                shell.say(f"{pod.name}: " + (", ".join(map(" ".join, jobs)) or "no job"))
        case "logs":
            shell.run(["tail", "-n", "100", "-F", f"{notes}.log"], status_matters=False)
        case "stop":
            _stop(pod, notes, shell)
        case "delete":
            jobs = _jobs(pod, shell)
            _note_stop(notes, shell)  # or the script would see it fail, and queue it again
            for job, _ in jobs:
                shell.run(["scancel", job])
    return 0


def _submit(pod: Pod, settings: Slurm, shell: Shell, command: Sequence[str]) -> None:
    text = script(pod, settings, command)
    notes = _notes(pod, settings)
    jobs = _jobs(pod, shell)
    if jobs:
        shell.say(f"{pod.name} is there already: {', '.join(map(' '.join, jobs))}")
        return
    submitted = Path(f"{notes}.sbatch")
    if shell.dry_run:
        shell.say(text)
    else:
        submitted.parent.mkdir(parents=True, exist_ok=True)
        submitted.write_text(text)
        for note in ("stopped", "failures", "losses"):
            Path(f"{notes}.{note}").unlink(missing_ok=True)
    shell.run(["sbatch", "--parsable", str(submitted)])


def _stop(pod: Pod, notes: str, shell: Shell) -> None:
    jobs = _jobs(pod, shell)
    _note_stop(notes, shell)
    for job, state in jobs:
        # A job that waits has nothing to save. The signal goes to the tasks, not to the script.
        shell.run(["scancel", job] if state == "PENDING" else ["scancel", "--signal=TERM", job])


def _note_stop(notes: str, shell: Shell) -> None:
    if not shell.dry_run and Path(notes).parent.is_dir():
        Path(f"{notes}.stopped").touch()


def _jobs(pod: Pod, shell: Shell) -> list[tuple[str, str]]:
    """Returns number and state of the user's jobs of that name."""
    command = ["squeue", "--me", f"--name={pod.name}", "--noheader", "--format=%i %T"]
    answer = shell.ask(command)
    if answer.status:
        raise CommandFailed(command, answer.status, answer.errors)
    jobs = []
    for line in answer.output.splitlines():
        number, _, state = line.strip().partition(" ")
        jobs.append((number, state))
    return jobs


def _notes(pod: Pod, settings: Slurm) -> str:
    """Returns how the paths of the job's script, log and notes begin."""
    return f"{settings.folder.rstrip('/')}/{pod.name}"


if __name__ == "__main__":
    sys.exit(main())
