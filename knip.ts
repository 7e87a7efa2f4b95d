import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { KnipConfig } from 'knip'

/** What a package's README shows or names is used: each word in its code that could be one of the exports. */
function namesIn(readme: string, path: string): string {
  if (!existsSync(join(dirname(path), 'src/index.ts'))) return ''
  const code = [...readme.matchAll(/^```ts\n(.*?)^```|`([^`\n]+)`/gms)].map((match) =>
    match.slice(1).join(''),
  )
  const names = new Set(code.join(' ').match(/[A-Za-z_$][\w$]*/g))
  // Every package exports the error class.
  return `import { ${[...names.add('EvolmmError')].join(', ')} } from './src/index'\n`
}

const config: KnipConfig = {
  workspaces: {
    '.': {
      entry: ['scripts/*.mjs', 'scripts/fuzz/fuzz.ts'],
      project: ['*.{ts,js}', 'scripts/**/*.{ts,mjs}'],
      ignoreDependencies: ['@arethetypeswrong/cli', 'publint'],
    },
    'packages/*': {
      entry: ['src/index.ts', 'README.md', 'test/**/*.test.ts', 'test/support/*-page.ts', 'bench/*.mjs'],
      project: ['**/*.{ts,mjs}'],
    },
    'packages/vlm': {
      entry: ['src/index.ts', 'README.md', 'test/**/*.test.ts', 'bench/*.mjs', 'scripts/*.mjs'],
      project: ['**/*.{ts,mjs}'],
    },
    'packages/dataset': {
      entry: ['src/index.ts', 'README.md', 'test/**/*.test.ts', 'bench/*.mjs'],
      project: ['**/*.{ts,mjs}'],
      // The thread that reads parquet files loads it.
      ignoreDependencies: ['hyparquet-compressors'],
    },
    'examples/*': {
      entry: ['*.mjs', 'test/**/*.test.ts'],
      project: ['**/*.{ts,mjs}'],
    },
  },
  compilers: { md: namesIn },
  ignore: ['**/gen/**'],
  ignoreBinaries: ['nvidia-smi', 'mount'],
  // Operators are there because the standard has them.
  ignoreIssues: {
    'packages/onnx/src/ops/*.ts': ['exports'],
    // A setting names it by file and name.
    'packages/plan/bench/reward-by-place.mjs': ['exports'],
  },
}

export default config
