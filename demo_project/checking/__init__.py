"""Goes through the demo's pages from outside. No Django here: it knows an address, and what a visitor expects."""
