"""CloudFormation: stacks of the types in ``resources``, which are made through the local AWS's own services."""
