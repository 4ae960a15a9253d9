"""Support tickets."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import FunctionError, World

helpdesk = Domain("helpdesk")


@helpdesk.function(
    arguments={
        "issue": Argument("issue", "issue"),
        "priority": Argument("priority", "priority", optional=True, default="medium"),
    },
    returns={"ticket": "ticket"},
    commands=phrases(
        "open a[ {priority} priority] ticket for {issue}",
        "open a support ticket about {issue}[ with {priority} priority]",
        "create a support ticket for {issue}[ with {priority} priority]",
        unseen=(
            "file a[ {priority} priority] support ticket on {issue}",
            "open up a new ticket saying {issue}[, priority {priority}]",
        ),
    ),
    done=("I opened {ticket} for {issue}.", "{issue} is now {ticket}."),
)
def open_ticket(world: World, issue: str, priority: str = "medium") -> dict[str, Any]:
    """Open a support ticket."""
    return {"ticket": world.new_code("ticket", issue, priority)}


@helpdesk.function(
    arguments={"ticket": Argument("ticket", "ticket number")},
    returns={"owner": "person"},
    nouns={
        "owner": phrases(
            "the owner of {ticket}",
            "{ticket}'s owner",
            "the person who is owner of {ticket}",
            unseen=("the current owner of {ticket}", "the owner responsible for {ticket}"),
        ),
    },
    questions={
        "owner": phrases("who owns {ticket}", unseen=("who is listed as owner of {ticket}",)),
    },
    observes={"owner": "ticket"},
)
def find_ticket_owner(world: World, ticket: str) -> dict[str, Any]:
    """Owner of a support ticket."""
    return {"owner": world.read("owner", ticket, lambda: world.drawn("person", "owner", ticket))}


@helpdesk.function(
    arguments={
        "ticket": Argument("ticket", "ticket number"),
        "assignee": Argument("person", "assignee"),
    },
    returns={"workload": "total"},
    commands=phrases(
        "assign {ticket}[ to {assignee}]",
        "assign {assignee} to {ticket}",
        "make[ {assignee}] the assignee of {ticket}",
        unseen=(
            "assign {ticket} over[ to {assignee}]",
            "go and assign {ticket}[ to {assignee}]",
        ),
    ),
    done=(
        "{ticket} is with {assignee}, who has {workload} tickets.",
        "I assigned {ticket} to {assignee}. Tickets there: {workload}.",
    ),
    changes={"owner": "ticket"},
)
def assign_ticket(world: World, ticket: str, assignee: str) -> dict[str, Any]:
    """Assign a ticket to a person."""
    world.write("owner", ticket, assignee)
    return {"workload": world.number(1, 14, "workload", assignee)}


@helpdesk.function(
    arguments={"ticket": Argument("ticket", "ticket number")},
    returns={"days_open": "total"},
    commands=phrases(
        "close {ticket}",
        "mark {ticket} as closed",
        "close down {ticket}",
        unseen=("set {ticket} to closed", "go on and close {ticket} for good"),
    ),
    done=(
        "{ticket} is closed after {days_open} days.",
        "I closed {ticket}; days open: {days_open}.",
    ),
)
def close_ticket(world: World, ticket: str) -> dict[str, Any]:
    """Close a support ticket."""
    if world.read("closed", ticket, bool):
        raise FunctionError(f"{ticket} was closed before")
    world.write("closed", ticket, True)
    return {"days_open": world.number(1, 60, "age", ticket)}
