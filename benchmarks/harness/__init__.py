"""Contenders in processes of their own that take turns, and what is made of their times."""
