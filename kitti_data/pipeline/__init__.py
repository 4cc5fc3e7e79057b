"""tf.data pipelines of formatted sets and windows; only this part of kitti_data uses TensorFlow."""
