"""The targets by their names."""

from __future__ import annotations

from emr_pipeline.targets.emr_ec2.target import EmrEc2
from emr_pipeline.targets.emr_serverless.target import EmrServerless
from emr_pipeline.targets.target import Target

TARGETS: dict[str, type[Target]] = {target.name: target for target in (EmrEc2, EmrServerless)}


def target_class(name: str) -> type[Target]:
    """Return the class of a target; raise ValueError for an unknown name."""
    if name not in TARGETS:
        raise ValueError(f"target is {name!r}; it must be one of {', '.join(TARGETS)}")
    return TARGETS[name]
