"""Bulk runs: any number of rows in, the fate of every row out."""
