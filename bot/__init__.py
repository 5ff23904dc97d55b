"""The product: a virtual representative that answers from approved knowledge. Knows no platform."""
