"""The human: tickets, who is told what, and when the bot is silent."""
