"""Rules that find the customers of a segment by their features, so that another system can apply the segments.

The rules are the paths of a shallow decision tree, which Spark MLlib fits to the segments on the cluster. Each customer
meets exactly one rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.ml.classification import DecisionTreeClassifier
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation.blocks import aggregate, as_blocks, count_pairs
from segmentation.small_tables import small_table

MAX_CONDITIONS = 4
#: Candidate thresholds of each feature.
THRESHOLDS = 64
#: A rule is for at least this share of the customers.
MIN_SHARE = 0.01
#: Significant digits of a threshold.
DIGITS = 3


@dataclass(frozen=True)
class Condition:
    """A feature is at most the threshold, or above it. The text is SQL."""

    feature: str
    above: bool
    threshold: float

    def __str__(self) -> str:
        number = f"{float(f'{self.threshold:.{DIGITS}g}'):.10f}".rstrip("0").rstrip(".")
        return f"{self.feature} {'>' if self.above else '<='} {number}"


@dataclass(frozen=True)
class Rule:
    """``customers`` meet the ``conditions``, a SQL expression, and ``found`` of them are in the ``segment``."""

    segment: int
    conditions: str
    customers: int
    found: int


@dataclass(frozen=True)
class Rules:
    """The rules for all segments, the ones that find most customers of a segment first.

    ``sizes`` has the number of customers of each segment.
    """

    rules: tuple[Rule, ...]
    sizes: dict[int, int]

    @property
    def fidelity(self) -> float:
        """The share of customers for whom the rules give the segment that they have."""
        return sum(rule.found for rule in self.rules) / sum(self.sizes.values())

    @property
    def without_rule(self) -> list[int]:
        """The segments that no rule finds."""
        return sorted(self.sizes.keys() - {rule.segment for rule in self.rules})


def find_rules(assigned: DataFrame, features: Sequence[str], k: int) -> Rules:
    """Return the rules for the ``k`` segments of ``assigned``: customers with ``segment`` and the columns ``features``.

    The tree draws its candidate thresholds from the partitions, so the customers are arranged for blocks.
    """
    # Without the number of classes, Spark searches the customers for the largest one.
    classes = {"ml_attr": {"type": "nominal", "num_vals": k}}
    customers = assigned.select(F.col("segment").cast("double").alias("segment", metadata=classes), *features)
    tree = DecisionTreeClassifier(
        featuresCol="values",
        labelCol="segment",
        maxDepth=MAX_CONDITIONS,
        maxBins=THRESHOLDS,
        minWeightFractionPerNode=MIN_SHARE,
        seed=0,
    ).fit(VectorAssembler(inputCols=list(features), outputCol="values").transform(customers))
    conditions = list(dict.fromkeys(_paths(tree._call_java("rootNode"), features)))
    return _counted(assigned, conditions)


def segment_rules(spark: SparkSession, rules: Rules) -> DataFrame:
    """Return segment_rules."""
    numbers: dict[int, int] = {}
    rows = []
    for rule in rules.rules:
        numbers[rule.segment] = numbers.get(rule.segment, 0) + 1
        rows.append(
            (
                rule.segment,
                numbers[rule.segment],
                rule.conditions,
                rule.customers,
                rule.found / rule.customers,
                rule.found / rules.sizes[rule.segment],
            )
        )
    return small_table(spark, "segment_rules", rows)


def _paths(node: Any, features: Sequence[str], path: tuple[Condition, ...] = ()) -> list[str]:
    """Return the conditions of each leaf below ``node``, a node of Spark's tree; 'TRUE' for a tree without a split."""
    if node.subtreeDepth() == 0:
        return [_text(path)]
    feature, threshold = features[node.split().featureIndex()], node.split().threshold()
    return [
        text
        for child, above in ((node.leftChild(), False), (node.rightChild(), True))
        for text in _paths(child, features, (*path, Condition(feature, above, threshold)))
    ]


def _text(path: Sequence[Condition]) -> str:
    """Return the conditions as SQL; of several for the same side of a feature, the last is the narrowest."""
    narrowest = {(each.feature, each.above): str(each) for each in path}
    return " AND ".join(narrowest.values()) or "TRUE"


def _counted(assigned: DataFrame, conditions: Sequence[str]) -> Rules:
    """Return a rule for each of ``conditions`` that a customer meets, for the segment with most of these customers."""
    met = F.coalesce(*(F.when(F.expr(text), F.lit(float(at))) for at, text in enumerate(conditions)))
    pairs = as_blocks(assigned, F.array(met, F.col("segment").cast("double")))
    counts: dict[int, dict[int, int]] = {}
    sizes: Counter[int] = Counter()
    for (at, segment), count in aggregate(pairs, count_pairs).items():
        counts.setdefault(at, {})[segment] = count
        sizes[segment] += count
    rules = []
    for at, by_segment in counts.items():
        segment = min(by_segment, key=lambda each: (-by_segment[each], each))
        rules.append(Rule(segment, conditions[at], sum(by_segment.values()), by_segment[segment]))
    rules.sort(key=lambda rule: (rule.segment, -rule.found, rule.conditions))
    return Rules(tuple(rules), dict(sorted(sizes.items())))
