"""The saved state of CloudFormation: the stacks of all regions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from localaws.cloudformation.api import Stacks
from localaws.cloudformation.stack import Stack
from localaws.state.database import Database
from localaws.state.saving import Resources, Source


def restore(
    database: Database, stacks: Mapping[str, Stacks], zones: Callable[[str], list[str]]
) -> list[Source]:
    """Load the saved state into ``stacks``, by region, and return its sources.

    An operation that was in progress is FAILED. ``zones`` returns the availability zones of a region.
    """
    saved: Resources[Stack] = Resources(
        "cloudformation stack",
        lambda: {key: stack for region in list(stacks.values()) for key, stack in list(region.by_id.items())},
    )
    for stack in saved.load_as(database, Stack).values():
        stack.definition = replace(stack.definition, zones=zones)
        for change_set in stack.change_sets.values():
            change_set.definition = replace(change_set.definition, zones=zones)
        stack.lose()
        stacks[stack.definition.region].by_id[stack.id] = stack
    return [saved]
