"""One folder per capability. None imports another; they meet through ports in `core`, which `app` wires."""
