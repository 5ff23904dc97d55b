"""The audit log: who did what, in an order that nobody can change unseen (docs/audit.md)."""
