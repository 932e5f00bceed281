"""ezrec: each recording is a directory, its marker file is its state."""
