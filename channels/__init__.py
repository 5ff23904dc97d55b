"""One package a platform channel; each imports only :mod:`bot.channel` and :mod:`bot.messages` of the product."""
