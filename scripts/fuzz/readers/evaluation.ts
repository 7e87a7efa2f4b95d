/** Answers of models, and what evaluations left on disk. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compareRuns } from '../../../packages/eval/src/compare/compare-runs'
import { openJournal } from '../../../packages/eval/src/run/journal'
import { normalizers, parseAnswer, parseQuestion, scorers } from '../../../packages/rewards/src/index'
import { asFile, given, type FuzzedReader } from './reader'

const sample =
  '{"doc_id": 0, "doc_hash": "00", "accuracy": 1, "evolmm": {"task": "own", "values": {"accuracy": 1}}}\n'
const results =
  '{"results": {}, "evolmm": {"tasks": {"own": {"mode": "fixed", "judge": null, "revision": "r", "rows": 1, "fallbackShare": 0, "unscored": 0}}}}'

/** What changes is compared with a run that is whole. */
function besideWhole(folder: string): void {
  mkdirSync(join(folder, 'whole'))
  for (const place of [folder, join(folder, 'whole')]) {
    writeFileSync(join(place, 'x_samples_own.jsonl'), sample)
    writeFileSync(join(place, 'x_results.json'), results)
  }
}

function compare(_: string, folder: string): Promise<unknown> {
  return compareRuns(join(folder, 'whole/x_results.json'), join(folder, 'x_results.json'))
}

export const evaluationReaders: readonly FuzzedReader[] = [
  {
    ...{ name: 'journal of an evaluation', text: true },
    corpus: given(
      '{"task":"own","row":0,"hash":"00","target":"3","input":"How many?","raw":"3","answer":"3","score":{"values":{"accuracy":1}}}\n',
    ),
    read: asFile('20260101_000000_x.partial.jsonl', async (_, folder) => {
      const journal = await openJournal({ folder, fingerprint: 'x', now: () => new Date(0) })
      await journal.close()
    }),
  },
  {
    ...{ name: 'samples of an evaluation', text: true },
    corpus: given(sample),
    read: asFile('x_samples_own.jsonl', compare, besideWhole),
  },
  {
    ...{ name: 'results of an evaluation', text: true },
    corpus: given(results),
    read: asFile('x_results.json', compare, besideWhole),
  },
  {
    ...{ name: 'answers', text: true },
    corpus: given(
      '<answer>twenty-one thousand</answer>',
      '<think>x</think><question>How many dots are there?</question>',
      'The answer is \\boxed{\\frac{3}{4}\\text{ cm}^2}.',
      '$1,234.50 or (B) 12 km/h, 1e3, 50 %',
    ),
    read: (input) => {
      const text = Buffer.from(input).toString()
      parseAnswer(text)
      parseQuestion(text)
      for (const normalize of Object.values(normalizers)) normalize(text)
      for (const scorer of Object.values(scorers)) {
        scorer.read(text, ['3', '4'])
        scorer.score(text, ['3', text.slice(0, 100)], ['3', '4'])
      }
      return Promise.resolve()
    },
  },
]
