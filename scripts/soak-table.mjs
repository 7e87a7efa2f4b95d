/**
 * What `.ci/soak` did, as a table for docs/results.md: a row for each file of sized tests, from the report of vitest's
 * JSON reporter, then a row for each of the other parts.
 *
 * Usage: node scripts/soak-table.mjs REPORT PARTS, where a line of PARTS is `name<TAB>what it did<TAB>status<TAB>seconds`
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The rows of the table, and whether everything passed. */
export function soakRows(report, parts, root = process.cwd()) {
  const files = report === undefined ? [] : report.testResults.map((file) => fileRow(file, root))
  const rows = [...files.filter((row) => row !== undefined), ...parts]
  return { rows, passed: report !== undefined && rows.every(({ result }) => result === 'passed') }
}

/** All sized tests of a file; undefined where it has none. */
function fileRow({ name, status, assertionResults }, root) {
  const tests = assertionResults.filter(({ tags, status }) => tags.includes('sized') && status !== 'skipped')
  const failed = tests.filter((test) => test.status !== 'passed').length
  if (tests.length === 0 && status === 'passed') return undefined
  const counts = new Map()
  for (const { meta } of tests) counts.set(meta.sized.of, (counts.get(meta.sized.of) ?? 0) + meta.sized.count)
  const numbers = [...counts].map(([of, count]) => `${count.toLocaleString('en')} ${of}`).join(', ')
  return {
    part: relative(root, name)
      .replace(/^packages\//, '')
      .replace('/test/', ' ')
      .replace('.test.ts', ''),
    numbers: tests.length > 1 ? `${tests.length} tests, ${numbers}` : numbers,
    result: failed > 0 || tests.length === 0 ? `${failed} of ${tests.length} failed` : 'passed',
    seconds: tests.reduce((sum, { duration = 0 }) => sum + duration, 0) / 1000,
  }
}

/** A table in Markdown. */
export function soakTable(rows) {
  const cells = rows.map(({ part, numbers, result, seconds }) => [part, numbers, result, timeText(seconds)])
  return [['part', 'in numbers', 'result', 'time'], ['---', '---', '---', '---:'], ...cells]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n')
}

function timeText(seconds) {
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [report, parts] = process.argv.slice(2)
  const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim()
  const others = readFileSync(parts, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [part, numbers, status, seconds] = line.split('\t')
      return {
        part,
        numbers,
        result: status === '0' ? 'passed' : `failed with ${status}`,
        seconds: Number(seconds),
      }
    })
  const { rows, passed } = soakRows(
    existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined,
    others,
  )
  const dirty = git('status', '--porcelain') === '' ? '' : ' with changes'
  const { EVOLMM_SEED: seed } = process.env
  const day = new Date().toISOString().slice(0, 10)
  console.log(
    `${day}, commit ${git('rev-parse', '--short', 'HEAD')}${dirty}, seed ${seed}, ${availableParallelism()} cores, Node ${process.versions.node}:\n`,
  )
  console.log(soakTable(rows))
  process.exit(passed ? 0 : 1)
}
