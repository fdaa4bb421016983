from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from segmentation.agreement import (
    adjusted_mutual_information,
    adjusted_rand_score,
    contingency_matrix,
)


@pytest.mark.parametrize("seed", range(5))
def test_adjusted_rand_index_is_the_same_as_in_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    a = random.integers(0, 4, 200)
    b = np.where(random.random(200) < seed / 4, random.integers(0, 4, 200), (a + 1) % 4)

    table = np.bincount(a * 4 + b, minlength=16).reshape(4, 4)
    np.testing.assert_allclose(adjusted_rand_score(table), metrics.adjusted_rand_score(a, b), atol=1e-12)


def test_adjusted_rand_index_is_exact_for_billions_of_customers() -> None:
    """The number of pairs of 10¹⁰ customers, squared, needs more than 64 bits."""
    assert adjusted_rand_score(np.diag([10**10, 10**10])) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(8))
def test_adjusted_mutual_information_is_the_same_as_in_scikit_learn(seed: int) -> None:
    """From independent groupings (0) to the same one (1), with 1 to 16 groups."""
    random = np.random.default_rng(seed)
    a = random.integers(0, 1 + 2 * seed, 2_000)
    b = np.where(random.random(2_000) < seed / 7, a, random.integers(0, 16, 2_000))

    found = adjusted_mutual_information(contingency_matrix(a, b))
    assert found == pytest.approx(metrics.adjusted_mutual_info_score(a, b), abs=1e-9)


def test_a_grouping_with_other_names_has_a_mutual_information_of_1() -> None:
    table = contingency_matrix(["B2B", "B2C", "B2C"], [7, 0, 0])

    assert table.tolist() == [[0, 1], [2, 0]]
    assert adjusted_mutual_information(table) == pytest.approx(1.0)
