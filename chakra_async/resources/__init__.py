"""One class per area of the API, each a thin layer over the transport."""
