"""tf.data pipelines: formatted sets, windows, augmentation. The only room of kitti_data with TensorFlow."""
