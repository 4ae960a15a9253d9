"""Books and their authors."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import World

library = Domain("library")


@library.function(
    arguments={"book": Argument("book", "book title")},
    returns={"author": "person"},
    nouns={
        "author": phrases(
            "the author of {book}",
            "{book}'s author",
            "the author behind {book}",
            unseen=("the author who wrote {book}", "the named author of {book}"),
        ),
    },
    questions={"author": phrases("who wrote {book}", unseen=("who is {book}'s author",))},
)
def find_author(world: World, book: str) -> dict[str, Any]:
    """Author of a book."""
    return {"author": world.drawn("person", "author", book)}


@library.function(
    arguments={"book": Argument("book", "book title")},
    returns={"pages": "total"},
    nouns={
        "pages": phrases(
            "the number of pages in {book}",
            "the page count of {book}",
            "{book}'s number of pages",
            unseen=("the count of pages in {book}", "the total of pages {book} has"),
        ),
    },
    questions={
        "pages": phrases(
            "how many pages does {book} have", unseen=("how many pages are in {book}",)
        ),
    },
)
def count_pages(world: World, book: str) -> dict[str, Any]:
    """Number of pages of a book."""
    return {"pages": world.number(80, 950, "pages", book)}


@library.function(
    arguments={
        "book": Argument("book", "book title"),
        "weeks": Argument("count", "number of weeks", optional=True, default=3),
    },
    returns={"due": "date"},
    commands=phrases(
        "borrow {book}[ for {weeks} weeks]",
        "borrow {book} from the library[ for {weeks} weeks]",
        "let me borrow {book}[ for {weeks} weeks]",
        unseen=(
            "help me borrow {book}[ over {weeks} weeks]",
            "take out {book} to borrow[ for {weeks} weeks]",
        ),
    ),
    done=("{book} is due on {due}.", "You can keep {book} until {due}."),
)
def borrow_book(world: World, book: str, weeks: int = 3) -> dict[str, Any]:
    """Borrow a book from the library."""
    return {"due": world.drawn("date", "due", book, weeks)}


@library.function(
    arguments={"book": Argument("book", "book title")},
    returns={"shelf": "gate"},
    nouns={
        "shelf": phrases(
            "the shelf of {book}",
            "the library shelf with {book}",
            "{book}'s shelf",
            unseen=("the shelf number of {book}", "the shelf that holds {book}"),
        ),
    },
    questions={
        "shelf": phrases("on which shelf is {book}", unseen=("what shelf does {book} stand on",)),
    },
)
def find_shelf(world: World, book: str) -> dict[str, Any]:
    """Shelf of a book in the library."""
    letter = world.choice(tuple("ABCDEFGH"), "shelf", book)
    return {"shelf": f"{letter}{world.number(1, 99, 'shelf', book)}"}
