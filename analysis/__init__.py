"""What it means: tables, statistics, figures and a summary in words, made from a run's rows."""
