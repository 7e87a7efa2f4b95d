/**
 * The end of `.ci/run`: which tests failed and why, in at most twenty lines, then vitest's own count. Reads the reports
 * of vitest's JSON reporter: of all tests, and of runs of the sized ones alone. A file that did not load, a hook that
 * failed and a missing report are a failure each.
 *
 * Usage: node scripts/count-tests.mjs REPORT [REPORT_OF_SIZED_TESTS...]
 */
import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

/** Failures shown with their errors, four lines each; then those that are only named. */
const explained = 4
const named = 2
const width = 200

/**
 * The lines to print, and whether everything passed. A report is undefined where there is none.
 *
 * @returns {{ lines: string[], passed: boolean }}
 */
export function summarize(reports, root = process.cwd()) {
  const failures = reports.flatMap((report) => failuresIn(report, root))
  const lines = failures.slice(0, explained + named).map(({ title }) => `FAILED ${title}`)
  for (const [i, { message }] of [...failures.slice(0, explained).entries()].reverse())
    lines.splice(i + 1, 0, ...firstLines(message).map((line) => `    ${line}`))
  const rest = failures.length - explained - named
  if (rest > 0) lines.push(`and ${rest} more`)
  // A run of the sized tests alone reports all others as skipped.
  const skipped = reports[0]?.numPendingTests ?? 0
  if (skipped > 0) lines.push(`${skipped} tests were skipped, each with its reason in its title`)
  const passed = reports.reduce((sum, report) => sum + (report?.numPassedTests ?? 0), 0)
  lines.push(`${passed} passed, ${failures.length} failed`)
  return { lines, passed: failures.length === 0 }
}

function failuresIn(report, root) {
  if (report === undefined) return [{ title: 'no test report was written', message: '' }]
  const failures = report.testResults.flatMap((file) => failuresOf(file, relative(root, file.name)))
  if (failures.length === 0 && !(report.success && report.numPassedTests > 0))
    failures.push({ title: 'no test, and yet the report says so: see the errors above', message: '' })
  return failures
}

/** Failed tests of one file; the file itself where it failed without one. */
function failuresOf({ status, message, assertionResults }, file) {
  const failed = assertionResults.filter((test) => test.status === 'failed')
  if (failed.length === 0 && status === 'failed')
    return [{ title: `${file} (the file itself, or a hook in it)`, message }]
  return failed.map(({ ancestorTitles, title, duration = 0, failureMessages }) => ({
    title: `${[file, ...ancestorTitles, title].join(' > ')} (${(duration / 1000).toFixed(1)} s)`,
    message: failureMessages.join('\n'),
  }))
}

/** Two lines of what an error says, then the first place of its stack that is ours. */
function firstLines(message) {
  const lines = stripVTControlCharacters(message)
    // All that the reporter keeps of a test that ran out of time.
    .replace('STACK_TRACE_ERROR', 'probably timed out')
    .split('\n')
    .map((line) => line.trim().slice(0, width))
    .filter((line) => line !== '')
  const text = lines.filter((line) => !line.startsWith('at ')).slice(0, 2)
  const place = lines.find((line) => line.startsWith('at ') && !line.includes('node_modules'))
  return place === undefined ? text : [...text, place]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const reports = process.argv
    .slice(2)
    .map((path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined))
  const { lines, passed } = summarize(reports)
  console.log(lines.join('\n'))
  process.exit(passed ? 0 : 1)
}
