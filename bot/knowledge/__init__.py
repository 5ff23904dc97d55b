"""Knowledge: files become approved entries in SQL; an index over them is searched."""
