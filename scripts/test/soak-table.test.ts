/** The report is cut from those that vitest 4.1.12 wrote. */
import { expect, test } from 'vitest'
import { soakRows, soakTable } from '../soak-table.mjs'

const sized = (of: string, count: number, duration: number, status = 'passed') => ({
  status,
  duration,
  tags: ['sized'],
  meta: { sized: { of, count, seed: 1 } },
})
const plain = { status: 'skipped', tags: [], meta: {} }
const file = (name: string, ...assertionResults: object[]) => ({
  name: `/root/packages/${name}.test.ts`,
  status: 'passed',
  assertionResults,
})

test('a file of sized tests is a row with sums, and what else was run follows', () => {
  const report = {
    testResults: [
      file('trainer/test/kill', sized('kills', 200, 180_000)),
      file('onnx/test/fuzz', sized('files', 1000, 1500), sized('files', 500, 400), plain),
      file('onnx/test/others', plain),
    ],
  }
  const bench = { part: 'bench', numbers: '2,000 iterations', result: 'passed', seconds: 90 }
  const { rows, passed } = soakRows(report, [bench], '/root')
  expect(passed).toBe(true)
  expect(soakTable(rows)).toBe(
    [
      '| part | in numbers | result | time |',
      '| --- | --- | --- | ---: |',
      '| trainer kill | 200 kills | passed | 3.0 min |',
      '| onnx fuzz | 2 tests, 1,500 files | passed | 1.9 s |',
      '| bench | 2,000 iterations | passed | 1.5 min |',
    ].join('\n'),
  )
})

test('what failed, did not load or left no report does not pass', () => {
  const failing = file('a/test/b', sized('kills', 2, 10, 'failed'), sized('kills', 3, 10))
  const { rows, passed } = soakRows({ testResults: [failing] }, [], '/root')
  expect(passed).toBe(false)
  expect(rows[0]).toMatchObject({ part: 'a b', numbers: '2 tests, 5 kills', result: '1 of 2 failed' })
  const broken = { ...file('a/test/c'), status: 'failed' }
  expect(soakRows({ testResults: [broken] }, [], '/root')).toMatchObject({
    rows: [{ part: 'a c', result: '0 of 0 failed' }],
    passed: false,
  })
  expect(soakRows(undefined, [], '/root').passed).toBe(false)
  const bench = { part: 'bench', numbers: '', result: 'failed with 1', seconds: 1 }
  expect(soakRows({ testResults: [] }, [bench], '/root').passed).toBe(false)
})
