/**
 * Differences between our MathVision scorer in mode `compat` and lmms-eval's own functions, on random answers of a
 * grammar: what is read out of a response, and whether it is right.
 *
 * node scripts/bench.mjs packages/eval/bench/math-answers.mjs --lmms_eval=FOLDER --latex2sympy=FOLDER
 *   [--python=python3] [--count=50000] [--seed=7]
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { tasks } from '@evolmm/eval'
import { mathVisionAnswer } from '../src/scoring/mathvision-answer'
import { mathCase } from '../test/support/math-answers'

const { values } = parseArgs({
  options: {
    lmms_eval: { type: 'string', default: '' },
    latex2sympy: { type: 'string', default: '' },
    python: { type: 'string', default: 'python3' },
    count: { type: 'string', default: '50000' },
    seed: { type: 'string', default: '7' },
  },
})
const task = tasks.find(({ name }) => name === 'mathvision_test')
const script = 'packages/eval/bench/math-answers.py'
const python = spawn(values.python, [script, values.lmms_eval, values.latex2sympy], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
const cases = function* () {
  for (let i = 0; i < Number(values.count); i++) yield `${JSON.stringify(mathCase(i, Number(values.seed)))}\n`
}
const writing = (async () => {
  for (const line of cases())
    if (!python.stdin.write(line)) await new Promise((resolve) => python.stdin.once('drain', resolve))
  python.stdin.end()
})()

const counts = { cases: 0, 'without an answer in 20 s': 0, 'read otherwise': 0, 'scored otherwise': 0 }
for await (const line of createInterface(python.stdout)) {
  const { response, gold, options, parsed, correct, error } = JSON.parse(line)
  counts.cases++
  if (error !== undefined) {
    counts['without an answer in 20 s']++
    continue
  }
  const score = await task.score({ answer: gold, options }, response, { mode: 'compat' })
  const ours = score.values.mathvision_standard_eval === 1
  const read = mathVisionAnswer(response.trim(), 'compat')
  if (read !== parsed) counts['read otherwise']++
  if (ours !== correct) counts['scored otherwise']++
  if (read !== parsed || ours !== correct)
    console.log(JSON.stringify({ response, gold, options, theirs: [parsed, correct], ours: [read, ours] }))
}
await writing
console.log(counts)
