"""SNS: topics, their policies and subscriptions."""

from __future__ import annotations

from typing import ClassVar

from localaws.cloudformation.resources.base import (
    TAGS,
    Json,
    Properties,
    ResourceType,
    added_and_removed,
    changed,
    policy,
    tag_changes,
)


class Topic(ResourceType):
    type_name = "AWS::SNS::Topic"
    schema: ClassVar = {"TopicName": str, "DisplayName": str, "KmsMasterKeyId": str, "Tags": TAGS}
    immutable = ("TopicName",)
    name_property = "TopicName"
    attributes = ("TopicArn", "TopicName")

    def create(self, properties: Properties, name: str) -> str:
        topic = self.aws["sns"].create_topic(Name=properties.get("TopicName") or name)
        return str(topic["TopicArn"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        sns = self.aws["sns"]
        for attribute in ("DisplayName", "KmsMasterKeyId"):
            if changed(old, new, attribute):
                sns.set_topic_attributes(
                    TopicArn=resource_id, AttributeName=attribute, AttributeValue=new.get(attribute, "")
                )
        tags, removed = tag_changes(old, new)
        if tags:
            sns.tag_resource(ResourceArn=resource_id, Tags=tags)
        if removed:
            sns.untag_resource(ResourceArn=resource_id, TagKeys=removed)

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["sns"].delete_topic(TopicArn=resource_id)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        return {"TopicArn": resource_id, "TopicName": resource_id.rpartition(":")[2]}


class TopicPolicy(ResourceType):
    type_name = "AWS::SNS::TopicPolicy"
    schema: ClassVar = {"Topics": [str], "PolicyDocument": Json}
    required = ("Topics", "PolicyDocument")

    def create(self, properties: Properties, name: str) -> str:
        return name

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        for topic in new["Topics"]:
            self._set(topic, policy(new["PolicyDocument"]))
        for topic in added_and_removed(old, new, "Topics")[1]:
            self._set(topic, _default_policy(topic))

    def delete(self, resource_id: str, properties: Properties) -> None:
        for topic in properties["Topics"]:
            self._set(topic, _default_policy(topic))

    def _set(self, topic: str, document: str) -> None:
        self.aws["sns"].set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)


def _default_policy(topic: str) -> str:
    """Return the policy that SNS gives a new topic: its owner may use it."""
    actions = "GetTopicAttributes SetTopicAttributes AddPermission RemovePermission DeleteTopic Subscribe"
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in f"{actions} ListSubscriptionsByTopic Publish".split()],
        "Resource": topic,
        "Condition": {"StringEquals": {"AWS:SourceOwner": topic.split(":")[4]}},
    }
    return policy({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})


class Subscription(ResourceType):
    type_name = "AWS::SNS::Subscription"
    schema: ClassVar = {"TopicArn": str, "Protocol": str, "Endpoint": str}
    required = ("TopicArn", "Protocol", "Endpoint")
    immutable = ("TopicArn", "Protocol", "Endpoint")

    def create(self, properties: Properties, name: str) -> str:
        return str(self.aws["sns"].subscribe(**properties, ReturnSubscriptionArn=True)["SubscriptionArn"])

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["sns"].unsubscribe(SubscriptionArn=resource_id)
