"""Plans runs for TPUs that are not there, from the compiler's own program."""
