"""What explore.ipynb stands on: one table of passages, questions to it, figures, controls."""
