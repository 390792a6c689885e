"""The original VIC 5 (image driver): its files, its executable, and both as a process model."""
