"""Uploads and downloads: what is sent from where, what is received into where, in flat memory."""
