"""Intrinsic functions and conditions.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from localaws.cloudformation.errors import format_error, unsupported

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
NO_VALUE = object()
"""The value of ``AWS::NoValue``: the property is removed."""


class Unknown(str):
    """A placeholder for a value that is known only after a resource is created."""

    __slots__ = ()


def is_unknown(value: Any) -> bool:
    """Return whether ``value`` contains an Unknown."""
    if isinstance(value, dict):
        return any(map(is_unknown, value.values()))
    return any(map(is_unknown, value)) if isinstance(value, list) else isinstance(value, Unknown)


@dataclass
class Scope:
    """The values that the functions of one template refer to.

    ``names`` has the values of the parameters and of the pseudo parameters. ``attribute`` returns an attribute of a
    resource, or what ``Ref`` returns if its second argument is ''. ``referenced`` collects the resources that were
    referred to.
    """

    names: Mapping[str, Any]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    zones: Callable[[str], list[str]]
    attribute: Callable[[str, str], Any]
    referenced: set[str] = field(default_factory=set)

    def resolve(self, value: Any) -> Any:
        """Return ``value`` with the results of its functions. Raises ValidationError."""
        if isinstance(value, list):
            resolved = map(self.resolve, value)
            return [item for item in resolved if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if function := _FUNCTIONS.get(name):
                return self._call(name, function, argument)
            if str(name).startswith("Fn::"):
                raise unsupported(f"the function {name}; supported: {', '.join(_FUNCTIONS)}")
        items = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not NO_VALUE}

    def _call(self, name: str, function: Callable[[Scope, Any], Any], argument: Any) -> Any:
        try:
            return function(self, argument)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            raise format_error(f"the arguments of {name} are not valid: {argument}") from None

    def holds(self, condition: Any) -> bool:
        """Return whether a condition, given by its name or its expression, holds."""
        if isinstance(condition, str):
            if condition not in self.conditions:
                raise format_error(f"Unresolved condition dependency {condition}")
            return self.holds(self.conditions[condition])
        match condition:
            case {"Condition": str(name)}:
                return self.holds(name)
            case {"Fn::Not": [operand]}:
                return not self.holds(operand)
            case {"Fn::And": list(operands)}:
                return all(map(self.holds, operands))
            case {"Fn::Or": list(operands)}:
                return any(map(self.holds, operands))
            case {"Fn::Equals": [left, right]}:
                scope = replace(self, attribute=_no_resource)
                return _as_text(scope.resolve(left)) == _as_text(scope.resolve(right))
        raise format_error(f"Conditions can only be boolean operations on parameters, not {condition}")

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.names:
            return self.names[name]
        if name.startswith("AWS::"):
            raise unsupported(f"the pseudo parameter {name}")
        self.referenced.add(name)
        return self.attribute(name, "")

    def _get_att(self, path: str | list[str]) -> Any:
        name, _, attribute = path.partition(".") if isinstance(path, str) else (path[0], "", path[1])
        self.referenced.add(name)
        return self.attribute(name, attribute)

    def _sub(self, argument: str | list[Any]) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument
        variables = {name: self.resolve(value) for name, value in given.items()}
        parts = []
        for index, part in enumerate(_VARIABLE.split(text)):  # each second part is the name of a variable
            if index % 2 == 0:
                parts.append(part)
            elif part.startswith("!"):
                parts.append(f"${{{part[1:]}}}")
            elif part in variables:
                parts.append(variables[part])
            else:
                parts.append(self._get_att(part) if "." in part else self._ref(part))
        return _joined("", parts)

    def _if(self, argument: list[Any]) -> Any:
        condition, when_true, when_false = argument
        return self.resolve(when_true if self.holds(condition) else when_false)

    def _join(self, argument: list[Any]) -> str:
        delimiter, parts = self.resolve(argument)
        return parts if isinstance(parts, Unknown) else _joined(delimiter, parts)

    def _split(self, argument: list[Any]) -> Any:
        delimiter, text = self.resolve(argument)
        return text if isinstance(text, Unknown) else text.split(delimiter)

    def _select(self, argument: list[Any]) -> Any:
        index, items = self.resolve(argument)
        if is_unknown(items):
            return Unknown("?")
        if not 0 <= int(index) < len(items):
            raise format_error("Fn::Select cannot select nonexistent value at index " + str(index))
        return items[int(index)]

    def _cidr(self, argument: list[Any]) -> Any:
        block, count, host_bits = self.resolve(argument)
        if isinstance(block, Unknown):
            return block
        try:
            network = ipaddress.ip_network(block)
            subnets = network.subnets(new_prefix=network.max_prefixlen - int(host_bits))
            found = [str(subnet) for subnet in islice(subnets, int(count))]
        except ValueError as error:
            raise format_error(f"Fn::Cidr of {block}: {error}") from None
        if len(found) < int(count):
            raise format_error(f"Fn::Cidr of {block}: it has only {len(found)} of {count} subnets")
        return found

    def _get_azs(self, region: Any) -> list[str]:
        return self.zones(self.resolve(region) or self.names["AWS::Region"])

    def _find_in_map(self, argument: list[Any]) -> Any:
        name, *keys = self.resolve(argument)
        found: Any = self.mappings.get(name)
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if found is None:
            raise format_error(f"Unable to get mapping for {'::'.join([name, *keys])}")
        return found


_FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
    "Ref": Scope._ref,
    "Fn::GetAtt": Scope._get_att,
    "Fn::Sub": Scope._sub,
    "Fn::If": Scope._if,
    "Fn::Join": Scope._join,
    "Fn::Split": Scope._split,
    "Fn::Select": Scope._select,
    "Fn::Cidr": Scope._cidr,
    "Fn::GetAZs": Scope._get_azs,
    "Fn::FindInMap": Scope._find_in_map,
}


def _no_resource(name: str, _: str) -> Any:
    raise format_error(
        f"Unresolved dependencies [{name}]. Cannot reference resources in the Conditions block of the template"
    )


def _joined(delimiter: str, parts: list[Any]) -> str:
    text = delimiter.join(map(_as_text, parts))
    return Unknown(text) if is_unknown(parts) else text


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
