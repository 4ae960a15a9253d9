"""How good a model is, per sub-task, and the report that says so."""
