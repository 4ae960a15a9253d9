"""Sums, intervals and comparisons of many judgements."""

from __future__ import annotations

import fractions
import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.evaluation.aggregate import aggregate
from granite_fc.evaluation.bootstrap import percentile_interval, ratio, resampled_sums
from granite_fc.evaluation.error_kinds import KINDS
from granite_fc.evaluation.intervals import wilson_interval
from granite_fc.evaluation.judgement import Judgement, WrongPart
from granite_fc.evaluation.metrics import METRICS
from granite_fc.evaluation.paired import compare_paired, mcnemar_test


def judgement(exact=True, wrong=(), **counts):
    return Judgement(exact, counts, tuple(WrongPart(kind, "") for kind in wrong))


def test_every_metric_says_what_it_is():
    assert len(METRICS) == len({metric.title for metric in METRICS.values()})
    for name, metric in METRICS.items():
        assert metric.name == name and metric.definition.endswith(".") and metric.source
        assert bool(metric.components) == (metric.derive is not None)
        assert set(metric.components) <= METRICS.keys()
    assert {name for name, metric in METRICS.items() if metric.higher_is_better is False} == {
        *("hallucination_rate", "hallucinated_names", "hallucinated_parameters", "type_errors"),
        *("hallucinated_references", "missing_labels", "needless_calls", "needless_refusals"),
        "invented_values",
    }
    directed = {name for name, metric in METRICS.items() if metric.higher_is_better is not None}
    assert METRICS.keys() - directed == {"bleu_length_ratio"}


def test_a_metric_is_the_sum_of_its_numerators_over_that_of_its_denominators():
    found = aggregate(
        [
            judgement(name_f1=(1, 4), exact_match=(1, 1)),
            judgement(False, ["name", "name", "type"], name_f1=(2, 2), exact_match=(0, 1)),
            judgement(False, ["name"], exact_match=(0, 1)),
        ]
    )
    assert (found.num_answers, found.num_exact) == (3, 1)
    assert list(found.metrics) == ["exact_match", "name_f1"]
    f1 = found.metrics["name_f1"]
    assert (f1.value, f1.numerator, f1.denominator, f1.num_answers) == (0.5, 3, 6, 2)
    assert 0.25 <= f1.low <= 0.5 <= f1.high <= 1
    exact = found.metrics["exact_match"]
    assert (exact.value, exact.low, exact.high) == (1 / 3, *wilson_interval(1, 3))
    assert found.error_kinds == {**dict.fromkeys(KINDS, 0), "name": 2, "type": 1}


def test_a_share_of_all_or_nothing_has_an_interval():
    found = aggregate([judgement(exact_match=(1, 1))] * 10).metrics["exact_match"]
    assert found.value == found.high == 1 and 0.6 < found.low < 0.8


def test_a_ratio_that_resampling_does_not_move_has_an_interval():
    for amounts, value in (((4, 4), 1), ((0, 4), 0)):
        found = aggregate([judgement(parameter_f1=amounts)] * 3).metrics["parameter_f1"]
        assert found.value == value
        assert (found.low, found.high) == wilson_interval(3 * value, 3)
    # Answers on which it has nothing to say tell nothing.
    among = aggregate([*[judgement(parameter_f1=(4, 4))] * 3, *[judgement()] * 90])
    assert among.metrics["parameter_f1"].low == wilson_interval(3, 3)[0]
    alone = aggregate([judgement(parameter_f1=(3, 4))]).metrics["parameter_f1"]
    assert alone.low < 0.3 and 0.9 < alone.high < 1
    widths = []
    for number in (1, 3, 10, 100):
        equal = aggregate([judgement(rouge_l=(1 / 3, 1))] * number).metrics["rouge_l"]
        assert 0 < equal.low < 1 / 3 < equal.high < 1
        widths.append(equal.high - equal.low)
    assert widths == sorted(widths, reverse=True)
    moved = aggregate([judgement(parameter_f1=(n, 4)) for n in (3, 4, 4)]).metrics["parameter_f1"]
    assert (moved.low, moved.high) == (0.75, 1)


def test_a_value_that_may_be_more_than_1_has_the_bootstrap_s_interval_alone():
    long = aggregate([judgement(bleu_length_ratio=(6, 4))]).metrics["bleu_length_ratio"]
    assert (long.value, long.low, long.high) == (1.5, 1.5, 1.5)
    own = aggregate([judgement(calls_made=(6, 4))]).metrics["calls_made"]
    assert (own.low, own.high) == (1.5, 1.5)


def test_nothing_to_sum_up():
    found = aggregate([])
    assert found.num_answers == 0 and not found.metrics
    assert not any(found.error_kinds.values())
    assert not aggregate([judgement()]).metrics


def test_metrics_of_others_are_summed_up_as_well():
    found = aggregate([judgement(own_metric=(1, 2)), judgement(own_metric=(0, 2))]).metrics
    assert found["own_metric"].value == 0.25


def test_the_bootstrap_draws_every_sample_equally_often():
    amounts = np.array([[0.0, 1.0], [1.0, 1.0], [5.0, 2.0]])
    samples = [
        amounts[list(chosen)].sum(axis=0) for chosen in itertools.product(range(3), repeat=3)
    ]
    exact = sorted(numerator / denominator for numerator, denominator in samples)
    drawn = resampled_sums(amounts, num_resamples=20_000, seed=1)
    values = np.sort(ratio(drawn[:, 0], drawn[:, 1]))
    for value in set(exact):
        expected = sum(other == value for other in exact) / 27
        assert np.isclose(values, value).mean() == pytest.approx(expected, abs=0.015)


def test_the_bootstrap_of_a_mean_has_the_spread_of_the_mean():
    amounts = np.random.default_rng(0).normal(size=(400, 1))
    sums = resampled_sums(amounts, num_resamples=4_000)
    assert sums.mean() == pytest.approx(amounts.sum(), abs=4 * sums.std() / 63)
    assert sums.std() == pytest.approx(amounts.std() * math.sqrt(400), rel=0.05)
    low, high = percentile_interval(sums[:, 0] / 400)
    assert high - low == pytest.approx(2 * 1.96 * amounts.std() / 20, rel=0.07)


def test_the_bootstrap_is_seeded():
    amounts = np.arange(12.0).reshape(6, 2)
    first, again = resampled_sums(amounts), resampled_sums(amounts)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, resampled_sums(amounts, seed=1))


def test_samples_without_a_value_are_left_out():
    found = aggregate([judgement(win_rate=(1, 1)), *[judgement(rouge_l=(0.5, 1))] * 9])
    rouge_l = found.metrics["rouge_l"]
    assert (rouge_l.low, rouge_l.high) == wilson_interval(4.5, 9)
    rare = aggregate([judgement(name_f1=(1, 2)), *[judgement()] * 9]).metrics["name_f1"]
    assert (rare.low, rare.high, rare.num_answers) == (*wilson_interval(0.5, 1), 1)
    assert all(map(math.isnan, percentile_interval(np.array([np.nan]))))


def test_ten_thousand_answers_take_a_second():
    draw = np.random.default_rng(0)
    names = [name for name, metric in METRICS.items() if not metric.components]
    judged = [
        Judgement(
            False, {name: (float(value), 1.0) for name, value in zip(names, row, strict=True)}
        )
        for row in draw.integers(0, 2, (500, len(names)))
    ]
    judged = [judged[index] for index in draw.integers(0, len(judged), 10_000)]
    start = time.thread_time()
    found = aggregate(judged)
    assert time.thread_time() - start < 5
    for name in ("exact_match", "name_f1"):
        low, high = wilson_interval(round(found.metrics[name].numerator), 10_000)
        assert found.metrics[name].low == pytest.approx(low, abs=0.002)
        assert found.metrics[name].high == pytest.approx(high, abs=0.002)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_the_binomial_test(first, second):
    number = first + second
    half = fractions.Fraction(1, 2) ** number
    chances = [math.comb(number, k) * half for k in range(number + 1)]
    observed = chances[first] if chances else 1
    expected = float(sum(chance for chance in chances if chance <= observed))
    assert mcnemar_test(first, second).p_value == pytest.approx(expected)
    assert mcnemar_test(second, first).p_value == mcnemar_test(first, second).p_value


def test_mcnemar_of_many():
    assert mcnemar_test(3000, 3000).p_value == 1
    assert 0 < mcnemar_test(100, 1900).p_value < 1e-300 or mcnemar_test(100, 1900).p_value == 0


def shares(*values):
    return [
        judgement(bool(value), exact_match=(value, 1), rouge_l=(value / 2, 1)) for value in values
    ]


def test_pairing_takes_what_both_find_hard_out_of_the_difference():
    first = [0] * 40 + [1] * 60
    second = [0] * 30 + [1] * 70
    paired = compare_paired(shares(*first), shares(*second))["exact_match"]
    assert paired.difference == pytest.approx(0.1)
    assert (paired.mcnemar.only_first, paired.mcnemar.only_second) == (0, 10)
    assert paired.mcnemar.p_value == pytest.approx(2 / 2**10)
    assert 0.04 < paired.low < 0.06 and 0.14 < paired.high < 0.18
    assert paired.p_value < 0.01
    apart = compare_paired(shares(*first), shares(*second[::-1]))["exact_match"]
    assert apart.low < 0 < apart.high and apart.p_value > 0.05


def test_the_paired_bootstrap_of_a_mean_has_the_spread_of_the_differences():
    draw = np.random.default_rng(3)
    first, second = draw.random(500), draw.random(500)
    found = compare_paired(shares(*first), shares(*second), num_resamples=4_000)["rouge_l"]
    spread = (second - first).std() / 2 / math.sqrt(500)
    assert found.difference == pytest.approx((second - first).mean() / 2)
    assert found.high - found.low == pytest.approx(2 * 1.96 * spread, rel=0.08)
    assert found.mcnemar is None
    share = math.erfc(abs(found.difference) / spread / math.sqrt(2))
    assert found.p_value == pytest.approx(share, abs=0.05)


def test_a_few_questions_prove_little():
    def answer(right, length):
        words = {f"bleu_precision_{order}": (1 + right, 2) for order in (1, 2, 3, 4)}
        return [judgement(parameter_f1=(4 * right, 4), bleu_length_ratio=(length, 2), **words)]

    right, wrong = answer(1, 2), answer(0, 6)
    for number in (1, 3, 40):
        found = compare_paired(wrong * number, right * number)
        paired = found["parameter_f1"]
        assert paired.difference == paired.high == 1
        # A share of questions that is not seen among so many might fall to the other side.
        assert paired.low == pytest.approx(1 - 2 * wilson_interval(0, number)[1])
        assert paired.p_value == max(2 / 1001, 2 / 2**number)
        assert found["bleu_corpus"].difference == pytest.approx(0.5)
        assert found["bleu_corpus"].p_value == paired.p_value
        back = compare_paired(right * number, wrong * number)["parameter_f1"]
        assert (back.low, back.high, back.p_value) == (-1, -paired.low, paired.p_value)
        assert found["bleu_length_ratio"].low == found["bleu_length_ratio"].high == -2
    # Questions that are answered alike say nothing for either.
    mixed = compare_paired([*wrong, *right * 40], right * 41)["parameter_f1"]
    assert mixed.p_value == 1 and mixed.low == 0 < mixed.difference < mixed.high


def test_equal_models_differ_in_nothing():
    answers = shares(0, 1, 1, 0)
    for found in compare_paired(answers, answers).values():
        assert found.difference == found.low == found.high == 0 and found.p_value == 1


def test_other_questions_cannot_be_compared():
    with pytest.raises(ValueError, match="2 answers are compared with 1"):
        compare_paired(shares(1, 1), shares(1))
    assert compare_paired([], []) == {}
    only_one = compare_paired([judgement(win_rate=(1, 1))], [judgement(exact_match=(1, 1))])
    assert only_one == {}


def test_a_suites_own_share_has_a_share_s_interval_and_test():
    right = [judgement(accuracy=(float(n < 3), 1.0)) for n in range(8)]
    wrong = [judgement(accuracy=(0.0, 1.0)) for _ in range(8)]
    value = aggregate(wrong).metrics["accuracy"]
    assert (value.low, value.high) == wilson_interval(0, 8)
    assert compare_paired(right, wrong)["accuracy"].mcnemar == mcnemar_test(3, 0)
    partial = [judgement(accuracy=(0.5, 1.0)) for _ in range(8)]
    assert aggregate(partial).metrics["accuracy"].low == wilson_interval(4, 8)[0]
    assert compare_paired(partial, partial)["accuracy"].mcnemar is None
