/** MathVision's reading of answers and its equality, beside what lmms-eval's functions returned; see `meta` in the file. */
import { readFileSync } from 'node:fs'
import { sizedTest } from '@evolmm/internal/testing'
import { latexValue, mathEqual } from '@evolmm/rewards'
import { expect, test } from 'vitest'
import { mathVisionAnswer } from '../src/scoring/mathvision-answer'
import { ruleBasedMathVista, vlmEvalKitMathVista } from '../src/scoring/mathvista-answer'
import type { ScoringMode } from '../src/task'
import { findTasks } from '../src/tasks'
import { mathCase, type MathCase } from './support/math-answers'

const { cases } = JSON.parse(
  readFileSync(new URL('fixtures/math-answers.json', import.meta.url), 'utf8'),
) as { cases: (MathCase & { parsed: string; correct: boolean })[] }
const [mathvision] = findTasks(['mathvision_test'])

async function scoreOf({ response, gold, options }: MathCase, mode: ScoringMode): Promise<number | null> {
  const { values } = await mathvision.score({ answer: gold, options }, response, { mode })
  return values.mathvision_standard_eval
}

test.each(cases)('$response is read and scored as in lmms-eval, gold $gold', async (one) => {
  expect(mathVisionAnswer(one.response.trim(), 'compat')).toBe(one.parsed)
  expect(await scoreOf(one, 'compat')).toBe(one.correct ? 1 : 0)
})

test.each([
  ['\\boxed{60°}', '60'],
  ['\\boxed{60}', '60°'],
  ['\\boxed{24%}', '24'],
  ['\\boxed{24}', '24\\%'],
  ['\\boxed{24%}', '24%'],
  ['\\boxed{45/0%}', '45/0%'],
  ['\\boxed{\\sqrt[3]{8}}', '2'],
])('%s is right for %s in mode fixed', async (response, gold) => {
  expect(await scoreOf({ response, gold, options: [] }, 'fixed')).toBe(1)
})

sizedTest(
  'what is right in mode compat is right in mode fixed',
  { answers: [2000, 5000, 200_000] },
  async ({ count, seed }) => {
    let right = 0
    for (let i = 0; i < count; i++) {
      const one = mathCase(i, seed)
      if ((await scoreOf(one, 'compat')) !== 1) continue
      right++
      expect([one, await scoreOf(one, 'fixed')]).toEqual([one, 1])
    }
    expect(right).toBeGreaterThan(count / 10)
  },
)

test.each([
  '('.repeat(5000),
  '\\sin '.repeat(900),
  '\\left('.repeat(900),
  '2^{'.repeat(900),
  '\\sqrt['.repeat(900),
])('a deep expression has no value, and an end', (text) => {
  expect(latexValue(text)).toBeUndefined()
  expect(mathEqual(text, '1')).toBe(false)
})

test.each(['Z', '(Z)', 'Z.', 'F'])('%s beyond the options is that letter', (answer) => {
  const row = {
    choices: ['x', 'y', 'z'],
    multiChoice: true,
    answerType: 'text',
    precision: undefined,
    answer: 'z',
  }
  expect(ruleBasedMathVista(answer, row)).toBe(/[A-Z]/.exec(answer)?.[0])
  expect(vlmEvalKitMathVista(answer, row)).toBe(false)
})
