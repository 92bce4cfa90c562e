"""What is tested: networks with their weights, where they come from and how they are loaded."""
