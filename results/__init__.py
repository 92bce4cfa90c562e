"""What was seen: rows of measurements, their dictionary, and runs on disk."""
