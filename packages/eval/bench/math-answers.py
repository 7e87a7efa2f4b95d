"""What lmms-eval's MathVision scorer says to the cases on the standard input, a JSON line for each.

python3 math-answers.py LMMS_EVAL LATEX2SYMPY < cases.jsonl
LMMS_EVAL is a copy of lmms-eval, LATEX2SYMPY one of latex2sympy2 (with its generated parser; the ANTLR runtime of a
version that reads it must be importable, and sympy). What the scorer imports for judges is replaced by nothing.
"""

import contextlib
import importlib.util
import io
import json
import os
import signal
import sys
import types

lmms_eval, latex2sympy = sys.argv[1:3]
sys.path.insert(0, latex2sympy)


class Nothing:
    def __init__(self, *args, **named):
        pass

    def __getattr__(self, name):
        return Nothing()

    def __call__(self, *args, **named):
        return Nothing()


def load(name, path=None):
    module = types.ModuleType(name)
    module.__getattr__ = lambda attribute: Nothing
    if path is not None:
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if path is not None:
        spec.loader.exec_module(module)
    return module


def late(*_):
    raise TimeoutError("the scorer took 20 s")


for name in ["loguru", "tqdm", "lmms_eval", "lmms_eval.verifiers", "lmms_eval.tasks", "lmms_eval.tasks.mathvision"]:
    load(name)
load("lmms_eval.verifiers.extractors")
load("lmms_eval.verifiers.openai")
folder = os.path.join(lmms_eval, "lmms_eval", "tasks", "mathvision")
package = "lmms_eval.tasks.mathvision."
out = sys.stdout
with contextlib.redirect_stdout(io.StringIO()):
    equal = load(package + "eval_utils", os.path.join(folder, "eval_utils.py")).is_equal
    scorer = load(package + "utils", os.path.join(folder, "utils.py"))
read = []
scorer.is_equal = lambda gold, answer: read.append(answer) or equal(gold, answer)
signal.signal(signal.SIGALRM, late)

for line in sys.stdin:
    case = json.loads(line)
    read.clear()
    signal.alarm(20)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            row = {"answer": case["gold"], "options": case["options"]}
            result = scorer.mathvision_process_results(row, [case["response"]])
        case["correct"] = result["mathvision_standard_eval"]["scores"][0]
        case["parsed"] = read[0]
    except TimeoutError as error:
        case["error"] = str(error)
    signal.alarm(0)
    print(json.dumps(case), file=out, flush=True)
