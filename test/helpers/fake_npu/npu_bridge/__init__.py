"""A stand-in for the Ascend plugin: the documented signatures, with the CPU for a device.

It does what the published TF Adapter r1.13 does with the device emulated: it is silent about
unknown options and those in a wrong proto field, ends at illegal values (`parser`), runs loops
(`device`), decides overflow by the float status (`ops`), and compiles a graph for every set of
fetches (`record.graphs`). What is asked of it stands in `record`.
"""
