"""Examples; every one of them is run by the tests."""
