"""ConvLSTM visual odometry (arXiv 1506.04214, arXiv 1709.08429)."""
