"""How any Spark pipeline meets EMR and Athena: requests, operators and triggers that make it so, and only once."""
