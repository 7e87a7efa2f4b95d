/**
 * The end of `.ci/run`: which tests failed and why, in few lines, then vitest's own count. Reads the report that
 * vitest's JSON reporter writes; a file that could not be loaded and a missing report count as a failure each.
 *
 * Usage: node scripts/count-tests.mjs REPORT
 */
import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

/** Failures that are named; of more than these only the number is told. */
const most = 5
/** Lines of each error: with its title four lines a failure, so that all are within the last twenty-five. */
const errorLines = 3
const width = 200

/** The lines to print and whether everything passed. `report` is undefined where there is none. */
export function summarize(report, root = process.cwd()) {
  if (report === undefined) return { lines: ['no test report was written', '0 passed, 1 failed'], passed: false }
  const failures = report.testResults.flatMap((file) => failuresOf(file, relative(root, file.name)))
  const count = Math.max(failures.length, report.success && report.numPassedTests > 0 ? 0 : 1)
  const lines = failures
    .slice(0, most)
    .flatMap(({ title, message }) => [`FAILED ${title}`, ...firstLines(message).map((line) => `    ${line}`)])
  if (failures.length > most) lines.push(`and ${failures.length - most} more failures, see above`)
  if (count > failures.length) lines.push('FAILED outside of all tests: see the errors above')
  const { numPassedTests, numPendingTests } = report
  if (numPendingTests > 0)
    lines.push(`${numPendingTests} tests were skipped, each with its reason in its title`)
  lines.push(`${numPassedTests} passed, ${count} failed`)
  return { lines, passed: count === 0 }
}

/** Failed tests of one file; the file itself where it failed without one: it was not loaded, or a hook failed. */
function failuresOf({ status, message, assertionResults }, file) {
  const failed = assertionResults.filter((test) => test.status === 'failed')
  if (failed.length === 0 && status === 'failed') return [{ title: `${file} (the file or a hook of it)`, message }]
  return failed.map(({ ancestorTitles, title, failureMessages }) => ({
    title: [file, ...ancestorTitles, title].join(' > '),
    message: failureMessages.join('\n'),
  }))
}

/** What an error says, then the first place in its stack that is ours. */
function firstLines(message) {
  const all = stripVTControlCharacters(message)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const isPlace = (line) => /^at /.test(line)
  const text = all.filter((line) => !isPlace(line)).slice(0, errorLines - 1)
  const place = all.find((line) => isPlace(line) && !line.includes('node_modules'))
  return [...text, ...(place === undefined ? [] : [place])].map((line) => line.slice(0, width))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [path] = process.argv.slice(2)
  const { lines, passed } = summarize(existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined)
  console.log(lines.join('\n'))
  process.exit(passed ? 0 : 1)
}
