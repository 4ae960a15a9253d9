"""Contacts, e-mail, text messages and calls."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import World

messaging = Domain("messaging")


@messaging.function(
    arguments={"person": Argument("person", "person")},
    returns={"phone": "phone"},
    nouns={
        "phone": phrases(
            "the phone number of {person}",
            "{person}'s phone number",
            "{person}'s phone",
            unseen=("the mobile phone number of {person}", "{person}'s number for the phone"),
        ),
    },
)
def find_phone(world: World, person: str) -> dict[str, Any]:
    """Phone number of a person."""
    return {"phone": world.drawn("phone", "of", person)}


@messaging.function(
    arguments={"person": Argument("person", "person")},
    returns={"email": "email"},
    nouns={
        "email": phrases(
            "the email address of {person}",
            "{person}'s email address",
            "{person}'s email",
            unseen=("the email contact of {person}", "{person}'s address for email"),
        ),
    },
)
def find_email(world: World, person: str) -> dict[str, Any]:
    """Email address of a person."""
    host = world.choice(("mailbox.org", "postal.net", "inbox.com"), "mail", person)
    local = person.replace("Dr. ", "").replace(" ", ".").lower()
    return {"email": f"{local}{world.number(1, 99, 'mail', person)}@{host}"}


@messaging.function(
    arguments={
        "address": Argument("email", "email address"),
        "text": Argument("message", "text"),
    },
    returns={"sent": "done"},
    commands=phrases(
        "send an email to {address}[ saying {text}]",
        "email {address}[ with {text}]",
        "send the email {text}[ to {address}]",
        unseen=(
            "write an email[ with the text {text}] to {address}",
            "let {address} have an email[ that says {text}]",
        ),
    ),
    done=("The email {text} went to {address}.", "I emailed {address}: {text}."),
)
def send_email(world: World, address: str, text: str) -> dict[str, Any]:
    """Send an email."""
    world.write("mail", address, text)
    return {"sent": True}


@messaging.function(
    arguments={
        "phone": Argument("phone", "phone number"),
        "text": Argument("message", "text"),
    },
    returns={"sent": "done"},
    commands=phrases(
        "text {phone}[ saying {text}]",
        "send a text message to {phone}[ saying {text}]",
        "send the text message {text}[ to {phone}]",
        unseen=(
            "send a short text[ with {text}] to {phone}",
            "drop {phone} a text message[ that says {text}]",
        ),
    ),
    done=("The text message {text} went to {phone}.", "I texted {phone}: {text}."),
)
def send_text(world: World, phone: str, text: str) -> dict[str, Any]:
    """Send a text message to a phone."""
    world.write("texts", phone, text)
    return {"sent": True}


@messaging.function(
    arguments={"phone": Argument("phone", "phone number")},
    returns={"answered": "status"},
    commands=phrases(
        "call {phone}",
        "make a phone call to {phone}",
        "dial {phone} and call",
        unseen=("place a call to {phone}", "start a voice call with {phone}"),
    ),
    done=("I called {phone}; it was {answered}.", "The call to {phone} was {answered}."),
)
def call_phone(world: World, phone: str) -> dict[str, Any]:
    """Call a phone number."""
    return {"answered": world.choice(("answered", "busy", "not answered"), "call", phone)}


@messaging.function(
    arguments={"sender": Argument("person", "sender")},
    returns={"unread": "total"},
    nouns={
        "unread": phrases(
            "the number of unread messages from {sender}",
            "the unread message count from {sender}",
            "the total of unread messages by {sender}",
            unseen=(
                "the count of unread mail from {sender}",
                "the number of messages left unread from {sender}",
            ),
        ),
    },
    questions={
        "unread": phrases(
            "how many unread messages did {sender} send",
            unseen=("how many messages of {sender} are unread",),
        ),
    },
)
def count_unread(world: World, sender: str) -> dict[str, Any]:
    """Count unread messages from a person."""
    return {"unread": world.number(0, 25, "unread", sender)}
