"""What is measured of answers: a file a family, each with what its metrics mean."""

from __future__ import annotations

import types
from collections.abc import Mapping

from granite_fc.evaluation.metrics import (
    abstention,
    arguments,
    execution,
    names,
    offered,
    references,
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
        )
        for metric in family.METRICS
    }
)

__all__ = ["METRICS", "Metric"]
