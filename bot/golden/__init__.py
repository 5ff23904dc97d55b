"""Golden questions: what a bot must be able to answer, and the gate that keeps out what makes it worse."""
