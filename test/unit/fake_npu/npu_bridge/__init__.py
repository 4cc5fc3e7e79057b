"""A stand-in for the Ascend plugin: the documented signatures, without a device.

What is asked of it is recorded in `record.calls`. Like the real one it is silent: an unknown option
is ignored, and one in the wrong proto field reads as empty (`record.options`).
"""
