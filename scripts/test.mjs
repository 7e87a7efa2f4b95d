/**
 * `npm test`: everything from a fresh clone to a test report, with nothing to type before it.
 * Arguments go to vitest: `npm test -- packages/rewards`.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { pnpm } from './pnpm.mjs'

const { EVOLMM_TESTS: size = 'test' } = process.env
const report = `.reports/${size === 'test' ? 'tests' : size}.json`
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
// Tests see the sources of all packages: there is nothing to build before them.
const steps = [
  ['install', '--frozen-lockfile'],
  // By itself vitest leaves one core idle, of two.
  ['exec', 'vitest', 'run', '--maxWorkers=100%', ...reporters, ...process.argv.slice(2)],
]

rmSync(report, { force: true })
for (const step of steps) {
  const status = pnpm(...step)
  if (status !== 0) {
    console.error(`npm test: "pnpm ${step.join(' ')}" failed with status ${status}`)
    process.exit(status)
  }
}

if (size === 'test' && existsSync(report)) {
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
  const sized = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status, tags }) => status === 'passed' && tags.includes('sized'))
  if (sized.length > 0)
    console.log(
      `${sized.length} tests that are long by nature (kills, memory, fuzzing) took their shortest form, which their titles tell; .ci/run draws a longer sample, .ci/soak takes them in full`,
    )
}
