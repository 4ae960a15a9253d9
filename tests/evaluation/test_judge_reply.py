"""Replies: overlap against the published libraries, grounding on cases worked by hand."""

from __future__ import annotations

import random

import pytest
import sacrebleu
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from granite_fc.calls.call import Call
from granite_fc.calls.spec import FunctionSpec
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.aggregate import aggregate
from granite_fc.evaluation.judge_reply import judge_reply
from granite_fc.evaluation.metrics.bert_score import BertScorer
from granite_fc.evaluation.metrics.surface_forms import forms_in
from granite_fc.evaluation.question import Question

WORDS = ["the", "a", "cat", "Cat", "sat", "on", "12.5", "mat.", "it's", "(yes)", "Zoë", "no,"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(texts, texts)
def test_rouge_l_is_that_of_rouge_score(gold, reply):
    found = judge_reply(gold, reply).counts["rouge_l"]
    expected = RougeScorer(["rougeL"]).score(gold, reply)["rougeL"].fmeasure
    assert found == (pytest.approx(expected), 1)


def test_bleu_is_that_of_sacrebleu():
    draw = random.Random(0)
    pairs = [
        [" ".join(draw.choices(WORDS, k=draw.randint(1, 12))) for _ in range(2)] for _ in range(60)
    ]
    judged = [judge_reply(*pair) for pair in pairs]
    for (gold, reply), judgement in zip(pairs, judged, strict=True):
        expected = sacrebleu.sentence_bleu(reply, [gold]).score / 100
        assert judgement.counts["bleu"] == (pytest.approx(expected), 1)
    total = aggregate(judged, num_resamples=20).metrics
    references, replies = zip(*pairs, strict=True)
    corpus = sacrebleu.corpus_bleu(list(replies), [list(references)])
    assert total["bleu_corpus"].value == pytest.approx(corpus.score / 100)
    assert total["bleu_corpus"].low < total["bleu_corpus"].value < total["bleu_corpus"].high
    assert total["bleu_precision_2"].value == pytest.approx(corpus.precisions[1] / 100)


QUESTION = Question(
    (FunctionSpec("find_hotel", "Find a hotel by city"),),
    shown=(Call("find_hotel", {"city": "Oslo"}),),
    results=(
        {
            "hotels": [{"name": "Grand Plaza", "price": 129.5}, {"name": "Blue Cat", "price": 80}],
            "from": "2024-03-01T14:30:00",
            "code": "BK-2041",
            "left": 3,
            "is_open": True,
        },
    ),
    said="A hotel in Oslo for Ann Lee, 2 nights, please.",
    replied="When?",
)
GOLD = "The Grand Plaza costs $129.50 from March 1 at 2:30 pm; your code is BK-2041."


def grounding(reply, gold=GOLD):
    return judge_reply(gold, reply, QUESTION)


@pytest.mark.parametrize(
    "reply",
    [
        GOLD,
        "From 1 March 2024, 14:30: grand plaza, 129.50 dollars. Code BK-2041.",
        "Code bk-2041, Grand-Plaza, 3/1/2024, 2:30 p.m., 129.5 a night, for Ann Lee in Oslo.",
        "Two hotels; The Grand Plaza is $129.50 on the 1st of March at 2:30PM (BK-2041).",
    ],
)
def test_values_in_other_forms_are_the_same_values(reply):
    counts = grounding(reply).counts
    assert counts["grounded_values"] == (4, 4)
    assert counts["invented_values"][0] == 0
    assert counts["grounded_replies"] == (1, 1)


@pytest.mark.parametrize(
    ("reply", "told", "invented"),
    [
        ("The Grand Plaza costs $129.50.", 2, 0),
        ("It is the Grand Plaza from March 2 at 2:30 pm for $131, code BK-2041.", 2, 2),
        ("The Grand Plaza, March 1 2025, 2:30 am, $129.50, code BK-2042.", 2, 3),
        ("Ask for the Hilton in Rome.", 0, 2),
        ("Done.", 0, 0),
    ],
)
def test_values_that_lack_and_values_made_up(reply, told, invented):
    counts = grounding(reply).counts
    assert counts["grounded_values"] == (told, 4)
    assert counts.get("invented_values", (0, 0))[0] == invented
    assert counts["grounded_replies"] == (0, 1)


def test_what_the_reference_does_not_tell_need_not_be_told():
    counts = grounding("Blue Cat is 80.", gold="It is the Blue Cat.").counts
    assert counts["grounded_values"] == (1, 1) and counts["grounded_replies"] == (1, 1)
    assert "grounded_values" not in grounding("Which dates?", gold="When?").counts


def test_without_a_prompt_nothing_is_invented():
    found = judge_reply(GOLD, "Ask for the Hilton in Rome at 3:15 pm, $131.")
    assert not {"invented_values", "grounded_replies", "grounded_values"} & found.counts.keys()
    assert [part.kind for part in found.wrong] == ["value"]
    nothing_shown = judge_reply("It is 5.", "It is 6.", Question(()))
    assert nothing_shown.counts["invented_values"] == (1, 1)
    assert nothing_shown.counts["grounded_replies"] == (0, 1)
    assert [part.kind for part in nothing_shown.wrong] == ["extra"]


def test_kinds_of_mistakes_of_replies():
    def kinds(reply, **options):
        return {part.kind for part in judge_reply(GOLD, reply, QUESTION, **options).wrong}

    assert kinds(f" {GOLD}\n") == set()
    assert kinds("Grand Plaza: $129.50 from March 1, 2:30 pm, code BK-2041.") == {"value"}
    assert kinds("The Grand Plaza.") == {"missing"}
    assert kinds("The Grand Plaza or the Hilton.") == {"missing", "extra"}
    assert kinds("  ") == {"parse"}
    called = judge_reply(GOLD, "<function_call> {}", QUESTION, calls=("f",))
    assert [part.kind for part in called.wrong] == ["needless_call"]
    assert called.counts["parse_rate"] == (0, 1)


def test_forms_of_values():
    forms = forms_in(
        "On May 5th, 2024 at 10:05, not 5/6 or 6 pm, Ann paid 1,234.50 for AB12 (3rd)."
    )
    assert [(sorted(date.options), date.year) for date in forms.dates] == [
        ([(5, 5)], 2024),
        ([(5, 6), (6, 5)], None),
    ]
    assert [sorted(time) for time in forms.times] == [[605, 1325], [1080]]
    assert [(number.value, number.decimals) for number in forms.numbers] == [(1234.5, 2), (3, 0)]
    assert forms.identifiers == ("ab12",) and forms.names == ("ann",)
    assert forms_in("2024-02-30T25:00").times == () and not forms_in("5 maybe").dates
    assert forms_in("2024-03-01 10:00").moment and not forms_in("Lunch on March 5").moment
    assert forms_in("9" * 40).identifiers == ("9" * 40,)


@settings(max_examples=150, deadline=None)
@example("<B1PM")
@given(st.text(max_size=60) | st.text(alphabet="0123456789/:-., pamMayT", max_size=30))
def test_any_text_can_be_a_reply(text):
    judgement = judge_reply("It is 5 on May 5.", text, QUESTION)
    assert judgement.exact == (not judgement.wrong)
    same = judge_reply(text, text, QUESTION)
    assert same.exact
    assert same.counts["grounded_replies"] == (1, 1)
    assert same.counts.get("invented_values", (0, 1))[0] == 0


def test_bert_score_is_greedy_matching_by_cosine(tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "it", "is", "four", "five", "degrees"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    tokenizer = transformers.BertTokenizer(str(tmp_path / "vocab.txt"))
    tokenizer.save_pretrained(tmp_path)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    model = transformers.BertModel(config).eval()
    model.save_pretrained(tmp_path)
    scorer = BertScorer(tmp_path, layer=1)
    assert scorer.f1("it is four", "it is four") == pytest.approx(1)
    assert scorer.f1("it is four", "") == 0.0

    def vectors(text):
        ids = torch.tensor([[2, *(words.index(word) for word in text.split()), 3]])
        with torch.no_grad():
            return model(ids, output_hidden_states=True).hidden_states[1][0, 1:-1]

    wanted, found = vectors("it is four degrees"), vectors("five it is")
    cosines = [[float(torch.cosine_similarity(a, b, dim=0)) for b in found] for a in wanted]
    recall = sum(map(max, cosines)) / len(cosines)
    precision = sum(map(max, zip(*cosines, strict=True))) / 3
    expected = 2 * precision * recall / (precision + recall)
    judged = judge_reply("it is four degrees", "five it is", bert_f1=scorer.f1)
    assert judged.counts["bert_score"] == (pytest.approx(expected, abs=1e-5), 1)
    assert "layer 1, sha256 " in scorer.description
    assert scorer.f1("it " * 500, "is " * 500) <= 1
    with pytest.raises(ConfigurationError, match="1 to 2"):
        BertScorer(tmp_path, layer=3)
    with pytest.raises(ConfigurationError, match="encoder directory"):
        BertScorer(tmp_path / "nothing")
