"""The KITTI loader: the only code that knows KITTI on disk."""
