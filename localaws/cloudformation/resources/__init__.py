"""The supported resource types."""

from localaws.cloudformation.resources import (
    athena,
    budgets,
    ec2,
    emr,
    events,
    glue,
    iam,
    kms,
    logs,
    s3,
    sns,
    stepfunctions,
)
from localaws.cloudformation.resources.base import ResourceType

_TYPES: tuple[type[ResourceType], ...] = (
    athena.WorkGroup,
    budgets.Budget,
    ec2.RouteTable,
    ec2.SecurityGroup,
    ec2.SecurityGroupIngress,
    ec2.Subnet,
    ec2.SubnetRouteTableAssociation,
    ec2.Vpc,
    ec2.VpcEndpoint,
    emr.SecurityConfiguration,
    events.Rule,
    glue.Database,
    iam.InstanceProfile,
    iam.ManagedPolicy,
    iam.Role,
    kms.Alias,
    kms.Key,
    logs.LogGroup,
    s3.Bucket,
    s3.BucketPolicy,
    sns.Subscription,
    sns.Topic,
    sns.TopicPolicy,
    stepfunctions.StateMachine,
)
RESOURCE_TYPES: dict[str, type[ResourceType]] = {each.type_name: each for each in _TYPES}
