"""The web process: callbacks in, health and metrics out. Light on purpose: no model, no index, no SQL."""
