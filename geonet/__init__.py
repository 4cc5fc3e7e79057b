"""GeoNet: unsupervised depth, optical flow and camera pose (arXiv 1803.02276)."""
