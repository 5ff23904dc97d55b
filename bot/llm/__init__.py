"""The language model: any OpenAI-compatible server, with deadlines, retries, a circuit breaker and a token budget."""
