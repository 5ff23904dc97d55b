"""What has to be noticed in a message, or kept out of an answer, whatever else is said."""
