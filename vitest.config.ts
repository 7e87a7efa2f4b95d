import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

// Tests import packages by name and see their sources, never a stale build.
const conditions = ['@evolmm/source', ...defaultServerConditions]

const covered = { lines: 95, branches: 95 }

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts', 'scripts/test/**/*.test.ts'],
    // Limits for what hangs, not for what is slow: no test asserts time, and the machine may be shared by others.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // The runtime would keep a queue of events in the user's cache folder.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      reporter: ['text', 'json-summary'],
      reportsDirectory: '.reports/coverage',
      thresholds: {
        'packages/rewards/src/**': covered,
        'packages/rl-core/src/**': covered,
        'packages/dataset/src/**': covered,
      },
    },
  },
})
