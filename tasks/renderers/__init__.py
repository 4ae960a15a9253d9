"""Episodes as (inputs, targets) text, one file a sub-task."""
