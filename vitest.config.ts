import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

// Tests import packages by name and see their sources, never a stale build.
const conditions = ['@evolmm/source', ...defaultServerConditions]

/** With `EVOLMM_TESTS=ci` or `soak` nothing runs but the tests that have these sizes. */
const sizedOnly = (process.env.EVOLMM_TESTS ?? 'test') !== 'test'
const files = testFiles().filter(({ text }) => !sizedOnly || text.includes('sizedTest('))
/** What needs a process in which nothing ran before: replacing modules, measuring memory, choosing a driver. */
const needsItsOwnProcess = /\bvi\.(mock|resetModules)\(|\bmemory\(|\bprepareWebGpu\(/
const inOwnProcess = (own: boolean) =>
  files.filter(({ text }) => needsItsOwnProcess.test(text) === own).map(({ path }) => path)

/** Packages whose coverage is checked, by their own tests: pnpm test:coverage */
const covered = ['rewards', 'rl-core', 'dataset']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // Starting a process and importing our sources anew for each file took a fifth of the time of all tests.
    projects: [
      { extends: true, test: { name: 'alone', include: inOwnProcess(true) } },
      { extends: true, test: { name: 'together', include: inOwnProcess(false), isolate: false } },
    ],
    setupFiles: ['./vitest.setup.ts'],
    // What a test leaves replaced is put back before the next one.
    restoreMocks: true,
    unstubEnvs: true,
    // Limits for what hangs, not for what is slow: no test asserts time, and the machine may be shared by others.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // What Node will make an error is one here: a file that garbage collection had to close, say.
    execArgv: ['--throw-deprecation', '--trace-deprecation'],
    // The runtime would keep a queue of events in the user's cache folder.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    tags: [{ name: 'sized', description: 'is as long as EVOLMM_TESTS says: see sizedTest' }],
    ...(sizedOnly && { tagsFilter: ['sized'] }),
    coverage: {
      provider: 'v8',
      include: covered.map((name) => `packages/${name}/src/**/*.ts`),
      reporter: ['text', 'json-summary'],
      reportsDirectory: '.reports/coverage',
      thresholds: Object.fromEntries(
        covered.map((name) => [`packages/${name}/src/**`, { lines: 95, branches: 95 }]),
      ),
    },
  },
})

function testFiles(): { path: string; text: string }[] {
  const root = import.meta.dirname
  const parts = ['packages', 'examples'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(root, parent, name)),
  )
  return [...parts, join(root, 'scripts')]
    .map((part) => join(part, 'test'))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    )
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }))
}
