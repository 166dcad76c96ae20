"""What the project costs, beside what others cost on the same files."""
