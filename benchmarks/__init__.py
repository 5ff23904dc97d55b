"""What the product costs: each module is run by itself, see docs/benchmarks.md."""
