"""One file a scenario, each with ``run(scale)``, which prints its tables and returns its figures."""
