"""tf.data pipelines of formatted sets and windows; nothing else in kitti_data uses TensorFlow."""
