"""The real module replaces tf.Session for the whole process; nobody here may import it."""
raise AssertionError('npu_bridge.npu_init was imported')
