"""What a stack is to be: a template with the values of its parameters, and tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from localaws import ACCOUNT
from localaws.cloudformation.errors import format_error, validation_error
from localaws.cloudformation.intrinsics import Scope, Unknown
from localaws.cloudformation.resources import RESOURCE_TYPES
from localaws.cloudformation.resources.base import Properties, ResourceType
from localaws.cloudformation.template import Template, parameter_value
from localaws.protocol import JSON, AwsError


class KnownResource(Protocol):
    @property
    def physical_id(self) -> str: ...

    @property
    def attributes(self) -> Mapping[str, str]: ...


def _no_zones(region: str) -> list[str]:
    return []


@dataclass(frozen=True)
class Definition:
    """``parameters`` has the text of each parameter. ``zones`` returns the availability zones of a region."""

    template: Template
    parameters: dict[str, str]
    tags: dict[str, str]
    stack_name: str
    stack_id: str
    region: str
    zones: Callable[[str], list[str]] = _no_zones

    def check(self, capabilities: list[str]) -> None:
        """Raise AwsError for a type, property or attribute that is not supported, or for a missing capability."""
        declared = {resource["Type"] for resource in self.template.resources.values()}
        if unknown := sorted(declared - set(RESOURCE_TYPES)):
            supported = ", ".join(RESOURCE_TYPES)
            raise format_error(
                f"Unrecognized resource types: [{', '.join(unknown)}]; the local AWS supports: {supported}"
            )
        for logical_id in self.order:
            self.properties(logical_id, {})
        self.outputs({})
        required = required_capabilities(self.template)
        if required and not set(required) & set(capabilities) and "CAPABILITY_NAMED_IAM" not in capabilities:
            raise AwsError(
                "InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(required)}]"
            )

    @cached_property
    def order(self) -> list[str]:
        """The resources whose condition holds, each after those that it depends on."""
        scope = self._scope({})
        dependencies = {
            name: self._dependencies(name)
            for name, declaration in self.template.resources.items()
            if "Condition" not in declaration or scope.holds(declaration["Condition"])
        }
        order: list[str] = []
        while len(order) < len(dependencies):
            ready = [
                name
                for name, others in dependencies.items()
                if name not in order and (others & set(dependencies)) <= set(order)
            ]
            if not ready:
                rest = ", ".join(name for name in dependencies if name not in order)
                raise validation_error(f"Circular dependency between resources: [{rest}]")
            order += ready
        return order

    def type_of(self, logical_id: str) -> type[ResourceType]:
        return RESOURCE_TYPES[self.template.resources[logical_id]["Type"]]

    def properties(self, logical_id: str, known: Mapping[str, KnownResource]) -> Properties:
        """Return the properties of a resource with the tags of the stack.

        A value that depends on a resource that is not ``known`` is an Unknown. Raises ValidationError.
        """
        resource_type = self.type_of(logical_id)
        declared = self.template.resources[logical_id].get("Properties") or {}
        properties = resource_type.conform(logical_id, self._scope(known).resolve(declared))
        if self.tags and "Tags" in resource_type.schema:
            own = properties.get("Tags", [])
            keys = {tag["Key"] for tag in own}
            inherited = [{"Key": k, "Value": v} for k, v in self.tags.items() if k not in keys]
            properties["Tags"] = own + inherited
        return properties

    def outputs(self, known: Mapping[str, KnownResource]) -> list[JSON]:
        """Return the outputs whose condition holds, as in DescribeStacks."""
        scope = self._scope(known)
        return [
            {
                "OutputKey": name,
                "OutputValue": str(scope.resolve(output["Value"])),
                "Description": output.get("Description"),
            }
            for name, output in self.template.outputs.items()
            if "Condition" not in output or scope.holds(output["Condition"])
        ]

    def _dependencies(self, logical_id: str) -> set[str]:
        declaration = self.template.resources[logical_id]
        scope = self._scope(None)
        scope.resolve(declaration.get("Properties") or {})
        explicit = declaration.get("DependsOn", [])
        return scope.referenced | {explicit} if isinstance(explicit, str) else scope.referenced | {*explicit}

    def _scope(self, known: Mapping[str, KnownResource] | None) -> Scope:
        """``known`` is None while the order is not yet determined."""

        def attribute(name: str, attribute: str) -> Any:
            in_order = self.template.resources if known is None else self.order
            if name not in in_order:
                raise format_error(
                    f"Unresolved resource dependencies [{name}] in the Resources block of the template"
                )
            if attribute and attribute not in self.type_of(name).attributes:
                raise validation_error(
                    f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
                )
            resource = (known or {}).get(name)
            if resource is None:
                return Unknown(f"{name}.{attribute or 'Ref'}")
            return resource.attributes[attribute] if attribute else resource.physical_id

        names = {
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        names |= {
            name: parameter_value(text, self.template.parameters[name]["Type"])
            for name, text in self.parameters.items()
        }
        sections = self.template.sections
        return Scope(
            names, sections.get("Mappings") or {}, sections.get("Conditions") or {}, self.zones, attribute
        )


def required_capabilities(template: Template) -> list[str]:
    """Return the capability that the template needs: for IAM, with or without custom names."""
    iam = [each for each in template.resources.values() if each["Type"].startswith("AWS::IAM::")]
    if not iam:
        return []
    named = any(
        RESOURCE_TYPES[each["Type"]].name_property in (each.get("Properties") or {})
        for each in iam
        if each["Type"] in RESOURCE_TYPES
    )
    return ["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"]
