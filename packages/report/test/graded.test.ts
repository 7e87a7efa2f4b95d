/** Answers with scores along their texts, and searches: of a method of its own, whose log may hold anything. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  entryOf,
  jsonLines,
  runLog,
  type GradedAnswers,
  type RecordKind,
  type StepRecord,
  type Sweep,
} from '@evolmm/runs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeReport } from '../src'
import { endsOf } from '../src/changes'
import { attribute, checkHtml } from './support/check-html'
import { drawCharts, sampleRunFile } from './support/sample-run'

interface Cycle extends StepRecord {
  shares: readonly number[]
  question: string
  graded: readonly GradedAnswers[]
  sweep: Sweep | null
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-graded-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** Six lines in one chart, a gallery of its own, and searches. */
const kind: RecordKind<Cycle> = {
  name: 'cycles',
  log: jsonLines('log.jsonl'),
  metrics: Array.from({ length: 6 }, (_, i) => ({
    ...{ name: `share_${i}`, meaning: 'a share', title: 'Shares', label: `share ${i}` },
    ...(i === 0 && { compared: 'Share' }),
    read: ({ shares }: Cycle) => shares[i],
  })),
  page: {
    gallery: {
      title: 'Answers',
      lead: () => 'Some of them.',
      latest: { title: 'The latest', lead: '' },
      again: { title: 'Again', lead: '' },
      spread: { title: 'All along', lead: '' },
      apart: { title: 'Apart', lead: '' },
      pictures: ({ graded, step }) =>
        graded.length === 0 ? [] : [{ key: `${step % 5}`, isApart: step % 2 === 0 }],
      moment: ({ question, graded, step }) => ({
        path: join(folder, 'chart-0000.png'),
        ...{ name: question, when: `cycle ${step}`, question, expected: `Right: ${question}` },
        ...{ apart: step % 2 === 0 ? 'Nothing was kept.' : null, graded },
      }),
    },
    sweeps: { title: 'Searches', lead: 'What was tried.', axis: 'heat', of: ({ sweep }) => sweep },
  },
}

const answers = (title: string, ...texts: [text: string, score: number | null][][]): GradedAnswers => ({
  ...{ title, mark: '✓', tone: 'first', drawn: 2 * texts.length, distinct: texts.length + 1 },
  answers: texts.map((steps) => ({
    title: 'says so',
    steps: steps.map(([text, score]) => ({ text, score })),
  })),
})

const cycle = (step: number, more: Partial<Cycle> = {}): Cycle => ({
  ...{ step, shares: [], question: 'How many?', graded: [], sweep: null },
  ...more,
})

async function page(cycles: Iterable<Cycle>) {
  writeFileSync(join(folder, 'run.json'), JSON.stringify(sampleRunFile({ steps: 5 })))
  const log = runLog(kind)
  await log.start({ name: 'run', folder, config: {}, totalSteps: 0, startStep: 0, probe: null })
  for (const one of cycles) await log.log(entryOf(kind, one))
  await log.finish({ step: 0, status: 'finished' })
  const text = readFileSync(await writeReport({ folder, kind }), 'utf8')
  return { page: text, ...checkHtml(text) }
}

const classes = (elements: Awaited<ReturnType<typeof page>>['elements'], tag: string) =>
  elements.filter(({ tagName }) => tagName === tag).map((element) => attribute(element, 'class'))

test('each step has its text, its score as a number, and a bar as long as that; kinds are told in words', async () => {
  await drawCharts(folder, 1)
  const graded = [
    answers('Kept', [
      ['Read 2.', 0.25],
      ['Add 3.', 1.5],
      ['So 5.', -0.1],
    ]),
    answers('Wrong', [['It is 7.', null]]),
  ]
  const { elements, text, problems } = await page([cycle(1, { graded })])
  expect(problems).toEqual([])
  const words = text.replace(/\s+/g, ' ')
  expect(words).toContain('Iteration 1, cycle 1 How many? Right: How many?')
  expect(words).toContain('✓ Kept: 2 of 4 says so Read 2. 0.25 Add 3. 1.50 So 5. −0.10')
  expect(words).toContain('1 further answer not shown')
  expect(words).toContain('✓ Wrong: 2 of 4 says so It is 7. 1 further answer not shown')
  const bars = elements.filter(({ tagName }) => tagName === 'rect')
  const widths = bars.filter((bar) => attribute(bar, 'class') === 'on').map((bar) => attribute(bar, 'width'))
  // Of 240: what is beyond 0 and 1 fills the bar, or leaves it empty.
  expect(widths).toEqual(['60.0', '240.0', '0.0'])
})

test('steps that were left out are counted before the last one', async () => {
  const one = answers('Kept', [
    ['first', null],
    ['last', null],
  ])
  const graded = [{ ...one, answers: one.answers.map((answer) => ({ ...answer, leftOut: 40 })) }]
  const { text } = await page([cycle(1, { graded })])
  expect(text.replace(/\s+/g, ' ')).toContain('first 40 steps left out last')
})

test('a search has a chart: its points, its axis, and the place that was chosen', async () => {
  const points = [0.3, 0.4, 0.5].map((at, i) => ({ at, value: [0.5, 0.75, 0.25][i] }))
  const sweep = { title: 'Before cycle 2', points, chosen: 0.4 }
  const bare = { title: 'Nothing', points: [{ at: 1, value: NaN }], chosen: 1 }
  const { elements, text, problems } = await page([cycle(1, { sweep }), cycle(2, { sweep: bare }), cycle(3)])
  expect(problems).toEqual([])
  const charts = elements.filter((element) => attribute(element, 'data-axis') === 'heat')
  expect(charts).toHaveLength(1)
  expect(attribute(charts[0], 'aria-label')).toBe(
    'Before cycle 2: measured 0.500 at heat 0.3, 0.250 at heat 0.5; chosen: 0.4',
  )
  // The mark is in the middle between the two ends, and what is written is the value there.
  const mark = elements.find((element) => attribute(element, 'class') === 'chosen')
  expect(mark && attribute(mark, 'd')).toBe('M163 22V174')
  expect(text.replace(/\s+/g, ' ')).toContain('chosen 0.750')
})

test('lines of one colour are told apart by dashes', async () => {
  const shares = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
  const { elements } = await page([cycle(1, { shares }), cycle(2, { shares })])
  const lines = classes(elements, 'path').filter((name) => name?.startsWith('line '))
  expect(lines).toEqual([
    ...['line first', 'line second', 'line probe'],
    ...['line first dashed', 'line second dashed', 'line probe dashed'],
  ])
})

test('a run without pictures has no gallery, and one without searches no charts of them', async () => {
  const { text } = await page([cycle(1)])
  for (const title of ['Answers', 'The latest', 'Searches']) expect(text).not.toContain(title)
})

test('hostile texts of any length stay texts, and thousands of cycles of them a page of less than 5 MB', async () => {
  await drawCharts(folder, 1)
  const hostile = `</li></ol><script>alert(1)</script><img src=x onerror=alert(1)>${'<&"'.repeat(150)}`
  const step: [string, number] = [hostile, 1e300]
  const many = Array.from({ length: 20 }, () => step)
  const graded = ['a', 'b', 'c', 'd'].map((title) => answers(title, many, many, many))
  const points = Array.from({ length: 14 }, (_, i) => ({ at: i, value: i / 14 }))
  // A long log of which few lines are this heavy, so that the test is short: those that the page shows.
  const cycles = Array.from({ length: 3000 }, (_, i) =>
    cycle(i + 1, {
      ...{ question: hostile.slice(0, 300), sweep: { title: hostile.slice(0, 100), points, chosen: 3 } },
      graded: i < 12 || i % 250 === 0 || i > 2990 ? graded : [],
    }),
  )
  const found = await page(cycles)
  expect(found.problems).toEqual([])
  expect(found.page.length).toBeLessThan(5e6)
  expect(found.elements.filter(({ tagName }) => tagName === 'script')).toHaveLength(1)
  expect(found.elements.flatMap(({ attrs }) => attrs).filter(({ name }) => name.startsWith('on'))).toEqual([])
  expect(found.text).toContain('<script>alert(1)</script>')
  // Twelve searches of 3,000, the first and the last among them.
  expect(found.elements.filter((element) => attribute(element, 'data-axis') === 'heat')).toHaveLength(12)
})

test('what is measured now and then is compared over its own first and last values', () => {
  const seldom = Array.from({ length: 400 }, (_, i) => (i % 100 === 99 ? i : NaN))
  expect(endsOf(seldom)).toEqual([[99], [399]])
  const often = Array.from({ length: 8 }, (_, i) => i)
  expect(endsOf(often)).toEqual([
    [0, 1],
    [6, 7],
  ])
  expect(endsOf([5])).toEqual([[], []])
})
