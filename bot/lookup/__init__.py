"""Look-ups: the row of a table that holds under the conditions that somebody told, or the question for the one that is
missing (docs/lookup.md)."""
