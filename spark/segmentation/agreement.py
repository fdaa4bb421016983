"""The agreement of two groupings of the same customers: adjusted Rand index and adjusted mutual information."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segmentation.blocks import Array

ContingencyMatrix = npt.NDArray[np.int64]


def contingency_matrix(a: npt.ArrayLike, b: npt.ArrayLike) -> ContingencyMatrix:
    """Return the number of customers in each pair of groups; ``a`` and ``b`` give the group of each customer."""
    rows, at_row = np.unique(np.asarray(a), return_inverse=True)
    columns, at_column = np.unique(np.asarray(b), return_inverse=True)
    shape = len(rows), len(columns)
    counts = np.bincount(at_row * shape[1] + at_column, minlength=shape[0] * shape[1])
    return counts.reshape(shape).astype(np.int64)


def adjusted_rand_score(contingency: ContingencyMatrix) -> float:
    """Return the adjusted Rand index of two clusterings, from their contingency matrix.

    1 if they are the same, 0 on average for random clusterings (Hubert and Arabie 1985).
    """
    together = _pairs(contingency.ravel())
    rows, columns = _pairs(contingency.sum(axis=1)), _pairs(contingency.sum(axis=0))
    expected = rows * columns / max(_pairs(contingency.sum(keepdims=True).ravel()), 1)
    highest = (rows + columns) / 2
    return 1.0 if highest == expected else (together - expected) / (highest - expected)


def adjusted_mutual_information(contingency: ContingencyMatrix) -> float:
    """Return the adjusted mutual information of two groupings, from their contingency matrix without empty groups.

    (MI − E[MI]) / (mean(H(a), H(b)) − E[MI]): 1 if the groupings are the same, 0 on average for random ones (Vinh, Epps
    and Bailey 2010). As in scikit-learn, it is 1.0 for two groupings with a single group. The memory grows with the
    number of customers, so it is meant for a sample.
    """
    rows, columns = contingency.sum(axis=1), contingency.sum(axis=0)
    n = int(contingency.sum())
    if len(rows) == len(columns) == 1:
        return 1.0
    expected = _expected_mutual_information(rows, columns, n)
    found = float(
        sum(
            count / n * np.log(n * count / (int(rows[i]) * int(columns[j])))
            for (i, j), count in np.ndenumerate(contingency)
            if count
        )
    )
    highest = (_entropy(rows / n) + _entropy(columns / n)) / 2
    # The smallest float keeps the sign and avoids 0 / 0, as in scikit-learn.
    gap = highest - expected
    gap = min(gap, -np.finfo(float).eps) if gap < 0 else max(gap, np.finfo(float).eps)
    return (found - expected) / gap


def _expected_mutual_information(
    rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], n: int
) -> float:
    """Return the mean over all groupings with groups of these sizes: the cells are hypergeometric."""
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1)))))
    total = 0.0
    for a in rows.tolist():
        for b in columns.tolist():
            cell = np.arange(max(1, a + b - n), min(a, b) + 1)
            log_probability = (
                log_factorial[[a, b, n - a, n - b]].sum()
                - log_factorial[n]
                - log_factorial[cell]
                - log_factorial[a - cell]
                - log_factorial[b - cell]
                - log_factorial[n - a - b + cell]
            )
            total += float((cell / n * np.log(n * cell / (a * b)) * np.exp(log_probability)).sum())
    return total


def _entropy(shares: Array) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log(positive)).sum())


def _pairs(counts: ContingencyMatrix) -> int:
    """Return the number of pairs within groups of these sizes, in Python's unbounded integers."""
    return sum(count * (count - 1) // 2 for count in counts.tolist())
