"""One folder per capability. None imports another; they meet through the ports in `core`, which `app` wires."""
