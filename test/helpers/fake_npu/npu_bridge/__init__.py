"""A stand-in for the Ascend plugin: the documented signatures, with the CPU for a device.

It does what the published TF Adapter does with the device emulated: it is silent about unknown
options and those in a wrong proto field, and raises an error where the plugin ends the process or
the session at an illegal value (`parser`), runs loops (`device`), decides overflow by the float
status or, in inf/nan mode, by the gradients (`npu_loss_scale_optimizer`), and compiles a graph for
every set of fetches (`record.graphs`). What is asked of it stands in `record`.
"""
