/** onnxruntime-node keeps an id and events for its maker by itself; with this package it does not. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { tinyFolder } from './support/safetensors'

// The runtime keeps quiet by itself where one of these says that a build server runs it, and then
// the control below would show nothing.
const buildServers = [
  'CI',
  'TF_BUILD',
  'GITHUB_ACTIONS',
  'GITLAB_CI',
  'CIRCLECI',
  'TRAVIS',
  'JENKINS_URL',
  'CODEBUILD_BUILD_ID',
  'BUILDKITE',
  'TEAMCITY_VERSION',
  'APPVEYOR',
  'BITBUCKET_BUILD_NUMBER',
  'SYSTEM_TEAMFOUNDATIONCOLLECTIONURI',
]

const here = dirname(fileURLToPath(import.meta.url))

/** The files that a process leaves in an empty home folder when it scores a completion. */
async function leftBehind(environment: Record<string, string>): Promise<string[]> {
  const home = await mkdtemp(join(tmpdir(), 'evolmm-home-'))
  // Beside the sources, so that the runtime is found.
  const bundle = join(here, `.telemetry-${process.pid}.mjs`)
  try {
    await mkdir(join(home, '.cache'))
    const source = join(home, 'score.mjs')
    await writeFile(
      source,
      `import { loadVlm } from ${JSON.stringify(join(here, '../src/index.ts'))}
       const vlm = await loadVlm(${JSON.stringify(tinyFolder)})
       await vlm.sample({ prompts: [vlm.prompt({ prompt: 'x' })], maxNewTokens: 2 })`,
    )
    await build({
      entryPoints: [source],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['@evolmm/source'],
      external: ['onnxruntime-node', 'sharp'],
      nodePaths: [join(here, '../node_modules')],
    })
    const left = ['ORT_DISABLE_TELEMETRY', ...buildServers]
    const inherited = Object.entries(process.env).filter(([name]) => !left.includes(name))
    execFileSync(process.execPath, [bundle], {
      env: {
        ...Object.fromEntries(inherited),
        HOME: home,
        XDG_CACHE_HOME: join(home, '.cache'),
        ...environment,
      },
    })
    const cache = join(home, '.cache')
    return existsSync(cache) ? readdirSync(cache, { recursive: true, encoding: 'utf8' }) : []
  } finally {
    await rm(bundle, { force: true })
    await rm(home, { recursive: true })
  }
}

test('a process that uses a model leaves nothing in the cache folder', async () => {
  expect(await leftBehind({})).toEqual([])
})

test.runIf(process.platform === 'linux')('unless events are asked for', async () => {
  expect((await leftBehind({ ORT_DISABLE_TELEMETRY: '0' })).join()).toContain('onnxruntime')
})
