"""What ezrec knows of video: pure plans (graphs, argv, names, boxes) and thin tools that run them."""
