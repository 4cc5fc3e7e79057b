"""What the programs of all models do once their flags are read."""
import importlib

from npu_runtime.engine import start_tensorflow


def run_mode(function, run, model, augment, runtime, batch_flag):
    """Starts TensorFlow and calls the function of `--mode`; imports no other mode's modules.

    Args:
      function: 'module.name'. In a mode that trains it takes run, model, augment and runtime, else
        run, model and runtime.
      run: flags with `mode` and `export_batch`.
      model, augment, runtime: the other flags.
      batch_flag: name of the flag in `run` to lower if a prediction runs out of memory.
    """
    start_tensorflow()
    module, _, name = function.rpartition('.')
    function = getattr(importlib.import_module(module), name)
    if run.mode.startswith('train'):
        function(run, model, augment, runtime)
        return
    from npu_runtime.devices.choose import choose_device  # these import TensorFlow
    from npu_runtime.failures import explained
    flag = 'export_batch' if run.mode.startswith('export') else batch_flag
    with explained(choose_device(runtime), '--%s (now %d)' % (flag, getattr(run, flag))):
        function(run, model, runtime)
