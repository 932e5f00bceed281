"""What it costs: `make bench` measures it anew, on this machine. Not collected by pytest."""
