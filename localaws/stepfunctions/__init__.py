"""AWS Step Functions: moto's interpreter of Amazon States Language, with JSONata and with tasks of EMR and Athena."""
