"""Pictures, voices and files: kept by reference for a while, and read into words."""
