/**
 * Time of one score, per task and mode, without a judge: median, slowest, and for long answers, milliseconds. Each
 * score is timed three times and the shortest counts, so that the slowest is the slowest text and not a busy machine.
 *
 * node scripts/bench.mjs packages/eval/bench/scoring.mjs [--rounds=20]
 * Rows and answers are those of the test vectors, the raw answers of all tasks; reasoning of 20,000 characters; and the
 * slowest of some texts of 20,000 characters that are made to be slow.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cleanAnswer, tasks } from '@evolmm/eval'
import { hostile, long, repeats, rounds } from './scoring.json'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: String(rounds) } } })
const vectors = JSON.parse(
  readFileSync(join('packages', 'eval', 'test', 'fixtures', 'eval-vectors.json'), 'utf8'),
).tasks

const scored = (group) => (vectors[group] ?? []).filter((vector) => vector.kind === 'score')
const answers = Object.keys(vectors).flatMap((group) =>
  scored(group).map(({ input }) => input.prediction ?? input.raw ?? ''),
)
const longText = `${long.reasoning.repeat(long.times)}\n${long.answer}`
const hostileTexts = hostile.parts.map((part) => part.repeat(hostile.characters / part.length))
const missing = { category: 'math', l2_category: 'algebra', index: 1, question: 'q' }

console.log(
  'task'.padEnd(28),
  'mode'.padEnd(12),
  'median'.padStart(8),
  'slowest'.padStart(8),
  '20k chars'.padStart(10),
  'hostile'.padStart(8),
)
for (const task of tasks) {
  const group = Object.keys(vectors).find((name) => task.name.startsWith(name))
  const rows = [
    ...new Map(
      scored(group).map(({ input }) => [JSON.stringify(input.doc), { ...missing, ...input.doc }]),
    ).values(),
  ]
  for (const mode of ['compat', 'fixed', 'rule-based']) {
    const score = async (row, raw) => {
      let best = Infinity
      for (let repeat = 0; repeat < repeats; repeat++) {
        const start = performance.now()
        await task.score(row, cleanAnswer(raw, { until: task.generation.until, mode }), { mode })
        best = Math.min(best, performance.now() - start)
      }
      return best
    }
    const times = []
    const longTimes = []
    const hostileTimes = []
    for (const text of hostileTexts)
      for (const row of rows.slice(0, hostile.rows)) hostileTimes.push(await score(row, text))
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const [index, row] of rows.entries())
        times.push(await score(row, answers[(round * 37 + index) % answers.length]))
      longTimes.push(await score(rows[round % rows.length], longText))
    }
    const [typical, worst] = [middle(times), Math.max(...times)]
    const [longest, slowest] = [Math.max(...longTimes), Math.max(...hostileTimes)]
    console.log(
      task.name.padEnd(28),
      mode.padEnd(12),
      ...[typical, worst].map((time) => time.toFixed(3).padStart(8)),
      longest.toFixed(3).padStart(10),
      slowest.toFixed(3).padStart(8),
    )
  }
}

function middle(times) {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)]
}
