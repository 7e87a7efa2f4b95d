/** The published vectors: expected values come from lmms-eval's own code and from VLMEvalKit's, see `meta` in the file. */
import { readFileSync } from 'node:fs'
import { roundPlaces, strip } from '@evolmm/internal'
import { expect, test } from 'vitest'
import { anls, inferOption, latexValue, lettered, mathEqual, relaxedMatch, scorers } from '../src'

interface Vector<Input, Expected> {
  id: string
  kind: string
  input: Input
  expected: Expected
}

const fixture = new URL('../../eval/test/fixtures/eval-vectors.json', import.meta.url)
const { tasks } = JSON.parse(readFileSync(fixture, 'utf8')) as { tasks: Record<string, unknown[]> }

function vectors<Input, Expected>(group: string): Vector<Input, Expected>[] {
  return (tasks[group] as Vector<Input, Expected>[]).filter(({ kind }) => kind === 'score')
}

test.each(vectors<{ doc: { answer: string }; prediction: string }, { relaxed_overall: number }>('chartqa'))(
  'relaxedMatch decides $id as ChartQA does',
  ({ input, expected }) => {
    const { doc, prediction } = input
    expect(relaxedMatch(strip(prediction), doc.answer)).toBe(expected.relaxed_overall === 1)
    if (scorers.relaxed.read(prediction) !== null)
      expect(scorers.relaxed.score(prediction, [doc.answer])).toBe(expected.relaxed_overall)
  },
)

test.each(vectors<{ doc: { answers: string[] }; prediction: string }, { anls: number }>('infovqa_val'))(
  'anls has the similarity of $id as InfographicVQA does',
  ({ input, expected }) => {
    const { doc, prediction } = input
    expect(anls(strip(prediction), doc.answers)).toBe(expected.anls)
    if (scorers.anls.read(prediction) !== null)
      expect(scorers.anls.score(prediction, doc.answers)).toBe(expected.anls)
  },
)

test.each(vectors<{ a: string; b: string }, { equal: boolean }>('mathvision_is_equal'))(
  'mathEqual decides $id as MathVision does',
  ({ input: { a, b }, expected }) => {
    expect(mathEqual(a, b)).toBe(expected.equal)
    if (scorers.math.read(b) !== null) expect(scorers.math.score(b, [a])).toBe(expected.equal ? 1 : 0)
  },
)

test.each(vectors<{ latex: string }, { value: number | null }>('mathvision_latex_eval'))(
  'latexValue has the value of latex2sympy for $id',
  ({ input, expected }) => {
    const value = latexValue(input.latex)
    // The vectors are rounded.
    expect(value === undefined ? null : roundPlaces(value, 2)).toBe(expected.value)
  },
)

test.each(
  vectors<
    Record<'A' | 'B' | 'C' | 'D', string> & { prediction: string; doc: Record<string, string> },
    {
      vlmevalkit: { prefetch: string | null }
    }
  >('mmbench_en_dev'),
)('inferOption names the option of $id as VLMEvalKit does', ({ input, expected }) => {
  const options = ['A', 'B', 'C', 'D'].map((letter) => [letter, input.doc[letter]] as const)
  const present = new Map(options.filter(([, text]) => text !== 'nan'))
  expect(inferOption(input.prediction, present) ?? null).toBe(expected.vlmevalkit.prefetch)
})

test.each(
  vectors<{ doc: { options: string[] }; prediction: string }, { vlmevalkit: { prefetch: string | false } }>(
    'mathvision',
  ).filter(({ input }) => input.doc.options.length > 0),
)('inferOption names the option of $id among lettered texts', ({ input, expected }) => {
  expect(inferOption(input.prediction, lettered(input.doc.options)) ?? false).toBe(
    expected.vlmevalkit.prefetch,
  )
})
