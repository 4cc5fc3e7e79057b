"""Evaluation of depth, flow and odometry; never imports TensorFlow."""
