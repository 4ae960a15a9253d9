"""How clauses become sentences: frames, joiners, openings and closings, for each split its own.

No pattern is in both, but the words that validation's are made of occur in train's: what is asked
of a model is to understand new sentences, not new words.

In every frame `{}` is where the clause goes; `{wh}` is the question word that fits it.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Joiner:
    """How clauses are strung together: before the first, between two, and before the last."""

    lead: str
    between: str
    last: str


@dataclasses.dataclass(frozen=True)
class Frames:
    """The sentence patterns of one split.

    Attributes:
        commands: Around a verb phrase.
        nouns: Around a noun phrase that is asked for.
        plain_nouns: Those of `nouns` that also take several noun phrases.
        questions: Around a direct question.
        verbs: Make a verb phrase of a noun phrase.
        in_order: Join verb phrases that are to be done one after the other.
        next_sentence: Begin a second sentence, about what is to be done after the first.
        together: Join verb phrases of which the order does not matter.
        noun_joiners: Join noun phrases.
        more: Begin a second sentence, about something else that is wanted.
        follow_up: Around the verb phrase of a later turn.
        answers: Around a value that the assistant asked for.
        openings: Before a sentence.
        closings: After a request.
    """

    commands: tuple[str, ...]
    nouns: tuple[str, ...]
    plain_nouns: tuple[str, ...]
    questions: tuple[str, ...]
    verbs: tuple[str, ...]
    in_order: tuple[Joiner, ...]
    next_sentence: tuple[str, ...]
    together: tuple[Joiner, ...]
    noun_joiners: tuple[Joiner, ...]
    more: tuple[str, ...]
    follow_up: tuple[str, ...]
    answers: tuple[str, ...]
    openings: tuple[str, ...]
    closings: tuple[str, ...]


TRAIN = Frames(
    commands=(
        *("{}.", "Please {}.", "Could you {}?", "Can you {}?", "I need you to {}."),
        *("I'd like you to {}.", "Would you {}?", "I want you to {}.", "Could you please {}?"),
        *("I would be happy if you could {}.", "Be kind and {}.", "I am asking you to {}."),
        *("It would be great if you are able to {}.", "Kindly do this: {}.", "I have to {}. Help?"),
    ),
    nouns=(
        *("{wh} is {}?", "Tell me {}.", "I want to know {}.", "Do you know {}?", "I need {}."),
        *("Can you tell me {}?", "Give me {}.", "Please look up {}.", "I'd like to know {}."),
        *("Please let me know {wh} {} is.", "I am wondering about {}.", "Could you share {}?"),
        *("I am curious: {wh} is {}?", "Looking for {}.", "I wonder about {}, let me know."),
    ),
    plain_nouns=(
        *("Tell me {}.", "I want to know {}.", "I need {}.", "Give me {}."),
        *("Could you share {}?", "Looking for {}.", "I am wondering about {}."),
    ),
    questions=("{}?", "I want to ask: {}?", "May I know, {}?", "A question: {}?"),
    verbs=(
        *("look up {}", "find {}", "check {}", "tell me {}", "get me {}"),
        *("report back {}", "go and fetch {}", "figure out {}", "let me see {}"),
    ),
    in_order=(
        Joiner("", ", then ", " and finally "),
        Joiner("", " and then ", " and then "),
        Joiner("first ", ", then ", ", and last "),
        Joiner("", ", and after that ", ", and after that "),
        Joiner("first ", ", next ", ", and in the end "),
        Joiner("", ", afterwards ", ", and lastly "),
    ),
    next_sentence=("Then {}.", "After that, {}.", "When that is done, {}.", "Next, please {}."),
    together=(
        Joiner("", " and ", " and "),
        Joiner("", ", and also ", ", and also "),
        Joiner("", ", ", " and "),
        Joiner("", " plus ", " plus "),
        Joiner("", ", besides that ", ", besides that "),
        Joiner("", "; and in addition ", "; and in addition "),
    ),
    noun_joiners=(
        Joiner("", " and ", " and "),
        Joiner("", ", ", " and "),
        Joiner("", " plus ", " plus "),
        Joiner("", ", as well as ", ", as well as "),
    ),
    more=("Also, {}", "And {}", "In addition, {}", "Besides that, {}", "On top, {}"),
    follow_up=(
        *("Now {}.", "Then {}.", "Great, {}.", "And now please {}.", "Thanks. Can you {}?"),
        *("Okay, {}.", "Perfect, now {}.", "Good. Next, are you able to {}?"),
    ),
    answers=("{}.", "It is {}.", "Use {}.", "Take {}.", "Let us say {}.", "Make it {}."),
    openings=("Hi, ", "Hello, ", "Hey, ", "Quick one: ", "Good day, ", "Hello there, "),
    closings=(
        " Thanks.",
        " Thank you.",
        " Thanks a lot.",
        " Cheers to you.",
        " Many, many thanks.",
    ),
)

VALIDATION = Frames(
    commands=(
        *("Kindly {}.", "Are you able to {}?", "I would be glad if you could {}."),
        *("Be so kind and {}.", "I have to ask you to {}."),
    ),
    nouns=(
        *("Let me know {}.", "I wonder {wh} {} is.", "I am curious about {}."),
        *("Would you share {} with me?", "I am looking for {}."),
    ),
    plain_nouns=("Let me know {}.", "I am curious about {}.", "I am looking for {}."),
    questions=("May I ask, {}?", "One question: {}?"),
    verbs=("find out {}", "fetch {}", "let me know {}", "report {}"),
    in_order=(
        Joiner("", ", and afterwards ", ", and afterwards "),
        Joiner("", ", and next ", ", and in the end "),
        Joiner("", ", next ", ", and lastly "),
    ),
    next_sentence=("Afterwards, {}.", "Once that is done, {}."),
    together=(
        Joiner("", ", plus ", ", plus "),
        Joiner("", " and besides ", " and besides "),
        Joiner("", "; ", "; in addition, "),
    ),
    noun_joiners=(Joiner("", ", plus ", ", plus "), Joiner("", " as well as ", " as well as ")),
    more=("On top of that, {}", "Besides, {}"),
    follow_up=("Good, so {}.", "Next, {}.", "Okay, kindly {}.", "Perfect. Are you able to {}?"),
    answers=("{}, please.", "Let it be {}.", "Make that {}."),
    openings=("Good morning, ", "Excuse me, ", "Hi there, "),
    closings=(" Much appreciated.", " Cheers.", " Many thanks."),
)

# The assistant's part is the same in both splits: it is what has to be learned. `{}` is a noun
# phrase, `{value}` its value.
REPORTS = (
    "{Np} is {value}.",
    "{Np}: {value}.",
    "I found that {np} is {value}.",
    "As far as I can see, {np} is {value}.",
)
QUESTIONS_BACK = (
    "Which {} should I use?",
    "I still need the {}. What is it?",
    "Could you tell me the {}?",
    "Please give me the {} first.",
)
NO_FUNCTION_REPLIES = (
    "I am sorry, I have no function for that.",
    "None of my functions can do that.",
    "That is not something my functions can do.",
    "Sorry, I cannot do that with the functions I have.",
)
