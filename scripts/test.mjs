/**
 * `npm test`: everything from a fresh clone to a test report, with nothing to type before it.
 * Arguments go to vitest, and then coverage is not asked for: `npm test -- packages/rewards`.
 */
import { pnpm } from './pnpm.mjs'

const filters = process.argv.slice(2)

const steps = [
  ['install', '--frozen-lockfile'],
  ['run', 'build'],
  [
    'exec',
    'vitest',
    'run',
    '--reporter=default',
    '--reporter=json',
    '--outputFile.json=.reports/tests.json',
    ...(filters.length > 0 ? filters : ['--coverage']),
  ],
]

for (const step of steps) {
  const status = pnpm(...step)
  if (status !== 0) {
    console.error(`npm test: "pnpm ${step.join(' ')}" failed with status ${status}`)
    process.exit(status)
  }
}
