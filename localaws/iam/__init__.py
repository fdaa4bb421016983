"""IAM: the permissions that API calls need, a record of the calls, and the evaluation of policies."""
