"""Generated from ``chakra_async/resources``; one class per area of the API."""
