"""Command messages: what begins with a slash, and the words that bring a human."""
