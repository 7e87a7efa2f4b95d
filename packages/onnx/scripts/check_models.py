"""Runs the checker of the onnx package, shape inference included, over the models that write-models.mjs wrote.

    python3 check_models.py FOLDER
"""
import glob
import os
import sys

import onnx

failed = 0
for path in sorted(glob.glob(os.path.join(sys.argv[1], '*.onnx'))):
    try:
        model = onnx.load(path, load_external_data=False)
        nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
        # The package knows no operators of the runtime: what follows from them it cannot infer.
        known = all(node.domain != 'com.microsoft' for node in nodes)
        onnx.checker.check_model(path, full_check=known)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=known, data_prop=True)
        print('ok    ', os.path.basename(path), '' if known else '(inference not strict: com.microsoft)')
    except Exception as error:  # the checker throws several kinds
        failed += 1
        print('FAILED', os.path.basename(path), '-', str(error).strip()[:600])
print(f'{failed} failed, onnx {onnx.__version__}')
sys.exit(failed > 0)
