/** The reports are cut from those that vitest 4.1.12 wrote for files that fail in these ways. */
import { expect, test } from 'vitest'
import { summarize } from '../count-tests.mjs'

const failed = (title: string, ...failureMessages: string[]) => ({
  ancestorTitles: ['group'],
  title,
  status: 'failed',
  duration: 61234.5,
  failureMessages,
})
const passed = { ancestorTitles: [], title: 'good', status: 'passed', failureMessages: [] }

function report(testResults: object[], counts: object = {}) {
  return { success: false, numPassedTests: 3, numPendingTests: 0, testResults, ...counts }
}

test('all passed is one line, and one more about what was skipped', () => {
  const good = report(
    [{ name: '/root/a.test.ts', status: 'passed', message: '', assertionResults: [passed] }],
    {
      success: true,
      numPendingTests: 1,
    },
  )
  expect(summarize([good], '/root')).toEqual({
    lines: ['1 tests were skipped, each with its reason in its title', '3 passed, 0 failed'],
    passed: true,
  })
})

test('a failed test has its file, full name, time, error and place', () => {
  const message = `AssertionError: expected \u001b[31m1\u001b[39m to be 2\n    at /root/node_modules/x.js:1:1\n    at /root/a.test.ts:2:65\n    at y`
  const tests = [passed, failed('adds', message), failed('slow', 'Error: STACK_TRACE_ERROR')]
  const file = { name: '/root/packages/a.test.ts', status: 'failed', message: '', assertionResults: tests }
  expect(summarize([report([file])], '/root')).toEqual({
    lines: [
      'FAILED packages/a.test.ts > group > adds (61.2 s)',
      '    AssertionError: expected 1 to be 2',
      '    at /root/a.test.ts:2:65',
      'FAILED packages/a.test.ts > group > slow (61.2 s)',
      '    Error: probably timed out',
      '3 passed, 2 failed',
    ],
    passed: false,
  })
})

test('a file that does not load and a hook that fails are failures, with or without a message', () => {
  const skipped = { ...passed, status: 'skipped' }
  const files = [
    { name: '/root/b.test.ts', status: 'failed', message: "Cannot find './nothing'", assertionResults: [] },
    { name: '/root/c.test.ts', status: 'failed', message: '', assertionResults: [skipped] },
  ]
  expect(summarize([report(files)], '/root').lines).toEqual([
    'FAILED b.test.ts (the file itself, or a hook in it)',
    "    Cannot find './nothing'",
    'FAILED c.test.ts (the file itself, or a hook in it)',
    '3 passed, 2 failed',
  ])
})

test('many failures take at most twenty lines before the count', () => {
  const tests = Array.from({ length: 30 }, (_, i) => failed(`${i}`, 'a\nb\nc\nd\nat /root/a.test.ts:1:1'))
  const file = { name: '/root/a.test.ts', status: 'failed', message: '', assertionResults: tests }
  const { lines } = summarize([report([file])], '/root')
  expect(lines.length).toBeLessThanOrEqual(20)
  expect(lines.slice(-4)).toEqual([
    'FAILED a.test.ts > group > 4 (61.2 s)',
    'FAILED a.test.ts > group > 5 (61.2 s)',
    'and 24 more',
    '3 passed, 30 failed',
  ])
})

test('no report, and a report that failed without a failed test, do not pass', () => {
  expect(summarize([undefined])).toMatchObject({ passed: false })
  expect(summarize([report([])]).lines.at(-1)).toBe('3 passed, 1 failed')
  expect(summarize([report([], { success: true, numPassedTests: 0 })]).passed).toBe(false)
})

test('several runs are one count, and what a run of the sized tests left out is not skipped', () => {
  const all = report([], { success: true, numPassedTests: 40, numPendingTests: 2 })
  const sized = report([], { success: true, numPassedTests: 3, numPendingTests: 37 })
  expect(summarize([all, sized])).toEqual({
    lines: ['2 tests were skipped, each with its reason in its title', '43 passed, 0 failed'],
    passed: true,
  })
  expect(summarize([all, undefined]).lines).toEqual([
    'FAILED no test report was written',
    '2 tests were skipped, each with its reason in its title',
    '40 passed, 1 failed',
  ])
})
