"""What people think of answers: asked for, understood, kept."""
