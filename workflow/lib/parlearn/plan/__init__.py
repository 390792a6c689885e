"""What the Snakefile reads: configuration, tables, digests; imports nothing heavy."""
