"""Templates: parsing of YAML and JSON, and the values of parameters.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from localaws.cloudformation.errors import format_error, unsupported, validation_error

_SECTIONS = {
    *("AWSTemplateFormatVersion", "Description", "Metadata"),
    *("Parameters", "Mappings", "Conditions", "Resources", "Outputs"),
}
_RESOURCE_ATTRIBUTES = {
    *("Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"),
}
_OUTPUT_ATTRIBUTES = {"Description", "Value", "Condition"}
_PARAMETER_TYPES = ("String", "Number", "CommaDelimitedList", "List<Number>")
RETAIN, RETAIN_EXCEPT_ON_CREATE = "Retain", "RetainExceptOnCreate"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DELETION_POLICIES = ("Delete", RETAIN, RETAIN_EXCEPT_ON_CREATE)


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """YAML with CloudFormation's short forms of functions; a date such as ``2012-10-17`` is a text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _function(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        argument: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        argument = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        argument = loader.construct_mapping(node, deep=True)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": argument}


_Loader.add_multi_constructor("!", _function)


@dataclass(frozen=True)
class Template:
    body: str
    sections: dict[str, Any]

    @classmethod
    def parse(cls, body: str) -> Template:
        """Raises ValidationError for a template with a section or an attribute that would have no effect."""
        try:
            sections = yaml.load(body, Loader=_Loader)  # a SafeLoader; JSON is YAML, too
        except yaml.YAMLError as error:
            raise format_error(f"YAML not well-formed. ({error})") from None
        if not isinstance(sections, dict):
            raise format_error("unsupported structure.")
        if not isinstance(sections.get("Resources"), dict) or not sections["Resources"]:
            raise format_error("At least one Resources member must be defined.")
        template = cls(body, sections)
        template._check_attributes()
        return template

    @property
    def description(self) -> str | None:
        return self.sections.get("Description")

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        return self.sections.get("Parameters") or {}

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        resources: dict[str, dict[str, Any]] = self.sections["Resources"]
        return resources

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        return self.sections.get("Outputs") or {}

    def parameter_values(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the text of each parameter, given or by default. Raises ValidationError."""
        if unknown := sorted(set(given) - set(self.parameters)):
            raise validation_error(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        values = {
            name: given.get(name, declaration.get("Default")) for name, declaration in self.parameters.items()
        }
        if missing := [name for name, value in values.items() if value is None]:
            raise validation_error(f"Parameters: [{', '.join(missing)}] must have values")
        texts = {name: _text(value) for name, value in values.items()}
        for name, text in texts.items():
            try:
                problem = _violation(text, self.parameters[name])
            except (TypeError, ValueError, re.error) as error:
                raise format_error(f"[/Parameters/{name}] has an invalid constraint: {error}") from None
            if problem:
                explanation = self.parameters[name].get("ConstraintDescription", problem)
                raise validation_error(f"Parameter '{name}' failed to satisfy constraint: {explanation}")
        return texts

    def _check_attributes(self) -> None:
        _check_names("template sections", self.sections, _SECTIONS)
        for section in ("Parameters", "Mappings", "Conditions", "Resources", "Outputs"):
            if not isinstance(self.sections.get(section) or {}, dict):
                raise format_error(f"[/{section}] must be an object.")
        for section, check in (
            ("Parameters", _check_parameter),
            ("Resources", self._check_resource),
            ("Outputs", _check_output),
        ):
            for name, declaration in (self.sections.get(section) or {}).items():
                if not isinstance(declaration, dict):
                    raise format_error(f"[/{section}/{name}] must be an object.")
                check(name, declaration)

    def _check_resource(self, name: str, declaration: dict[str, Any]) -> None:
        if not isinstance(declaration.get("Type"), str):
            raise format_error(f"[/Resources/{name}] Every Resources object must contain a Type member.")
        if not isinstance(declaration.get("Properties") or {}, dict):
            raise format_error(f"[/Resources/{name}/Properties] must be an object.")
        depends_on = declaration.get("DependsOn", [])
        for other in depends_on if isinstance(depends_on, list) else [depends_on]:
            if not isinstance(other, str) or other not in self.resources:
                raise format_error(
                    f"Unresolved resource dependencies [{other}] in the Resources block of the template"
                )
        _check_names(f"attributes of resource {name}", declaration, _RESOURCE_ATTRIBUTES)
        for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
            if declaration.get(attribute, "Delete") not in _DELETION_POLICIES:
                raise unsupported(f"{attribute} {declaration[attribute]} of resource {name}")


def _check_parameter(name: str, declaration: dict[str, Any]) -> None:
    if declaration.get("Type") not in _PARAMETER_TYPES:
        supported = ", ".join(_PARAMETER_TYPES)
        raise unsupported(f"parameter {name} of type {declaration.get('Type')}; supported: {supported}")


def _check_output(name: str, declaration: dict[str, Any]) -> None:
    _check_names(f"attributes of output {name}", declaration, _OUTPUT_ATTRIBUTES)
    if "Value" not in declaration:
        raise format_error(f"[/Outputs/{name}] Every Outputs member must contain a Value object.")


def parameter_value(text: str, parameter_type: str) -> Any:
    """Return what ``Ref`` returns: a text, or a list of texts."""
    is_list = parameter_type in ("CommaDelimitedList", "List<Number>")
    return [item.strip() for item in text.split(",")] if is_list else text


def _check_names(what: str, given: Mapping[str, Any], supported: set[str]) -> None:
    if unknown := sorted(set(given) - supported):
        raise unsupported(f"{what} {', '.join(unknown)}; supported: {', '.join(sorted(supported))}")


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _violation(text: str, declaration: Mapping[str, Any]) -> str:
    """Return which constraint of the parameter ``text`` does not satisfy; '' if it satisfies all."""
    if declaration["Type"] == "Number" and not _NUMBER.fullmatch(text):
        return "Member must be a number"
    number = float(text) if declaration["Type"] == "Number" else 0.0
    allowed = [_text(value) for value in declaration.get("AllowedValues", [text])]
    pattern = str(declaration.get("AllowedPattern", ".*"))
    checks = (
        (number >= float(declaration.get("MinValue", number)), "have value >= {MinValue}"),
        (number <= float(declaration.get("MaxValue", number)), "have value <= {MaxValue}"),
        (len(text) >= int(declaration.get("MinLength", 0)), "have length >= {MinLength}"),
        (len(text) <= int(declaration.get("MaxLength", len(text))), "have length <= {MaxLength}"),
        (re.fullmatch(pattern, text, re.DOTALL), "satisfy regular expression pattern: {AllowedPattern}"),
        (text in allowed, "satisfy enum value set: {AllowedValues}"),
    )
    violated = (f"Member must {rule.format(**declaration)}" for is_met, rule in checks if not is_met)
    return next(violated, "")
