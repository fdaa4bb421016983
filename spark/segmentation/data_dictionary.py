"""The data dictionary: what each dataset and each column means.

``make data-dictionary`` writes these texts to docs/data-dictionary.md and, as the comments of the Athena tables, to
dags/sales_segmentation/tables.json. The texts of the features are in ``features.FEATURES``.
"""

from __future__ import annotations

from dataclasses import dataclass

from segmentation.features import FEATURES


@dataclass(frozen=True)
class Description:
    """What a column means; ``unit`` is empty for text and identifiers, ``why`` is the reason to have the column."""

    definition: str
    unit: str = ""
    why: str = ""

    @property
    def comment(self) -> str:
        """The column's comment in Athena: the definition, and the unit unless the definition names it."""
        return self.definition if self.unit in self.definition else f"{self.definition} ({self.unit})"


#: One row of each dataset.
ROWS = {
    "sales": "a valid line of the input",
    "rejected_sales": "a line of the input that is not valid, as text, with the reason",
    "customer_features": "a customer, described by the valid lines",
    "explained_variance": "a principal component, the one with the largest variance first",
    "component_loadings": "a feature in a principal component",
    "customer_components": "a customer in the space of the principal components",
    "model_selection": "a number of clusters that was tried, with its quality measures",
    "customer_segments": "a customer with the assigned segment",
    "segment_profiles": "a segment that has customers",
    "segment_features": "a feature in a segment",
    "segment_rules": "a rule that finds customers of a segment; each customer of the fit meets exactly one",
    "customer_rfm": "a customer with the RFM scores",
    "segment_migration": "a pair of an earlier segment and a segment of this run, with the customers who were in both",
    "feature_drift": "a feature, compared with an earlier run",
}

_CUSTOMER_ID = {"customer_id": Description("customer number")}
_FEATURE = {"feature": Description("name of a column of customer_features")}
_SEGMENT = {"segment": Description("segment number from 0, in descending order of mean spend at the fit")}
_COMPONENT = {"component": Description("number of the principal component from 1")}
_EARLIER = {"earlier_run_date": Description("latest earlier run date with segments, YYYY-MM-DD")}
_PC = {
    "pc1": Description("value of the first principal component, for charts", "scaled units"),
    "pc2": Description(
        "value of the second principal component, for charts; 0 if there is only one", "scaled units"
    ),
}
_LINE = {
    "order_id": Description("order number; an order has one or more lines"),
    **_CUSTOMER_ID,
    "customer_type": Description("B2B for a business, B2C for a consumer"),
    "product": Description("product name"),
    "category": Description("product category"),
    "unit_price": Description("price of one unit before discount", "currency"),
    "quantity": Description("number of units", "units"),
    "discount": Description("discount on the line", "share 0..1"),
    "total_price": Description("unit_price * quantity * (1 - discount), as given in the input", "currency"),
    "region": Description("region of the delivery"),
    "order_date": Description("day of the order"),
}

COLUMNS: dict[str, dict[str, Description]] = {
    "sales": _LINE,
    "rejected_sales": {
        **{name: Description(f"{name} as it is written in the input") for name in _LINE},
        "reason": Description("code of the first rule that the line violates"),
        "source_file": Description("address of the file that holds the line"),
    },
    "customer_features": {
        **_CUSTOMER_ID,
        "customer_type": Description("customer type on the latest day with an order"),
        "region": Description("region on the latest day with an order"),
        **{each.name: Description(each.definition, each.unit, each.why) for each in FEATURES},
    },
    "explained_variance": {
        **_COMPONENT,
        "explained_variance_ratio": Description(
            "share of the total variance that the component explains", "share 0..1"
        ),
        "cumulative": Description("explained_variance_ratio summed up to this component", "share 0..1"),
        "retained": Description("true if the component is kept for clustering"),
    },
    "component_loadings": {
        **_COMPONENT,
        **_FEATURE,
        "loading": Description("weight of the scaled feature in the component", "-1..1"),
    },
    "customer_components": {
        **_CUSTOMER_ID,
        "components": Description("values of the retained principal components", "scaled units"),
        **_PC,
    },
    "model_selection": {
        "k": Description("number of clusters"),
        "wssse": Description(
            "within-cluster sum of squared distances to the nearest center", "squared scaled units"
        ),
        "silhouette": Description("mean silhouette with squared Euclidean distances", "-1..1"),
        "calinski_harabasz": Description("Calinski-Harabasz score; higher is better", "ratio"),
        "stability": Description(
            "mean adjusted Rand index of fits on bootstrap resamples with this one", "at most 1"
        ),
        "start_agreement": Description(
            "mean adjusted Rand index of the pairs of starts; null with a single start", "at most 1"
        ),
        "smallest_share": Description("customers of the smallest cluster divided by all", "share 0..1"),
        "gap": Description(
            "log(wssse) of one normal cloud without groups minus log(wssse); null with few customers", "log"
        ),
        "given_column": Description("column of customer_features whose groups are most like the clusters"),
        "mutual_information": Description(
            "adjusted mutual information of the clusters and given_column", "at most 1"
        ),
        "chosen": Description("true for the k of the published segments"),
        "reason": Description("why this k was chosen or not"),
    },
    "customer_segments": {
        **_CUSTOMER_ID,
        **_SEGMENT,
        "distance": Description(
            "Euclidean distance to the center of the segment; Mahalanobis distance in a refined segment",
            "scaled units",
        ),
        "silhouette": Description(
            "how much nearer the other customers of the segment are than those of the nearest other segment, with "
            "the square of this distance; negative: the other segment is nearer; null with a single segment",
            "-1..1",
        ),
        **_PC,
    },
    "segment_profiles": {
        **_SEGMENT,
        "label": Description("distinct name of the segment, made from its means"),
        "customers": Description("number of customers in the segment", "customers"),
        "customer_share": Description("customers of the segment divided by all customers", "share 0..1"),
        "revenue": Description("sum of total_spend over the customers of the segment", "currency"),
        "revenue_share": Description("revenue of the segment divided by all revenue", "share 0..1"),
        **{
            each.name: Description(f"mean of {each.name} over the customers of the segment", each.unit)
            for each in FEATURES
            if "notebook" in each.sets
        },
    },
    "segment_features": {
        **_SEGMENT,
        **_FEATURE,
        "mean": Description("mean of the feature over the customers of the segment", "unit of the feature"),
        "deviation": Description(
            "mean of the segment minus mean of all customers; 0 if all customers are the same",
            "standard deviations of all customers",
        ),
    },
    "segment_rules": {
        **_SEGMENT,
        "rule": Description("number of the rule in its segment from 1, the rule with most customers first"),
        "conditions": Description("SQL condition on the columns of customer_features"),
        "customers": Description("number of customers that meet the conditions", "customers"),
        "precision": Description("share of these customers that are in the segment", "share 0..1"),
        "coverage": Description("share of the segment that meets the conditions", "share 0..1"),
    },
    "customer_rfm": {
        **_CUSTOMER_ID,
        "recency_score": Description(
            "quintile of recency_days, 5 for the customers who ordered last; equal values have equal scores",
            "1..5",
        ),
        "frequency_score": Description("quintile of total_orders, 5 for the most orders", "1..5"),
        "monetary_score": Description("quintile of total_spend, 5 for the highest spend", "1..5"),
        "rfm_group": Description("name of the pair of recency_score and frequency_score, such as Champions"),
        "at_risk": Description(
            "true for the groups At Risk and Cannot Lose Them: many orders, none for long"
        ),
    },
    "segment_migration": {
        **_EARLIER,
        "earlier_segment": Description("segment number of the earlier run; null for customers who are new"),
        "earlier_label": Description("label of the earlier segment; null if the earlier run did not fit"),
        "segment": Description("segment number of this run; null for customers who are gone"),
        "matched": Description("true if the two segments have the most similar profiles"),
        "customers": Description("number of customers who were in both segments", "customers"),
        "earlier_revenue": Description(
            "sum of their total_spend in the earlier run, 0 for new customers", "currency"
        ),
        "revenue": Description(
            "sum of their total_spend in this run, 0 for customers who are gone", "currency"
        ),
    },
    "feature_drift": {
        **_EARLIER,
        **_FEATURE,
        "psi": Description(
            "population stability index over the deciles of the earlier run; 0: no drift", "0 or more"
        ),
        "earlier_mean": Description("mean over the customers of the earlier run", "unit of the feature"),
        "mean": Description("mean over the customers of this run", "unit of the feature"),
        "drifted": Description("true for a psi above 0.25 that chance does not explain"),
    },
}
