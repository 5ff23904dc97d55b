"""What is kept: the database, and the record of every turn."""
