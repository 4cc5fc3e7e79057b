"""A synthetic world in the layouts of KITTI, with exact poses, depth and flow."""
