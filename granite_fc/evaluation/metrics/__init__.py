"""What is measured of answers: a file a family, each with what its metrics mean."""

from __future__ import annotations

import types
from collections.abc import Mapping

from granite_fc.evaluation.metrics import (
    abstention,
    arguments,
    bert_score,
    execution,
    grounding,
    names,
    offered,
    references,
    reply_overlap,
    whole,
)
from granite_fc.evaluation.metrics.metric import Metric

METRICS: Mapping[str, Metric] = types.MappingProxyType(
    {
        metric.name: metric
        for family in (
            whole,
            names,
            arguments,
            references,
            execution,
            offered,
            abstention,
            reply_overlap,
            grounding,
            bert_score,
        )
        for metric in family.METRICS
    }
)

__all__ = ["METRICS", "Metric"]
