/**
 * The install script of `onnxruntime-node`, which fetches CUDA libraries. Packages are installed without running it,
 * since it needs a network; `evolmm setup cuda` is how it runs.
 */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { EvolmmError } from './errors'

export interface Installer {
  platform: string
  arch: string
  /** The script of the runtime that `@evolmm/vlm` in the working directory loads, or else the one of this command. */
  script: () => string
  run: (script: string, environment: Record<string, string>) => Promise<InstallerResult>
  /** Libraries that it should leave and that are not there. */
  missing: (script: string) => string[]
  /** Removes libraries written since then (ms), which may be cut off where it failed: the runtime takes them for whole. */
  clean: (script: string, since: number) => void
}

export interface InstallerResult {
  /** `null` if a signal ended it. */
  code: number | null
  /** What it wrote to standard error. */
  errors: string
}

export const installer: Installer = {
  platform: process.platform,
  arch: process.arch,
  script: () => {
    // Started by npx this command lies in a cache of its own; what is meant is the runtime of the project.
    const library = resolveFrom(join(process.cwd(), 'package.json')) ?? resolveFrom(import.meta.url)
    if (library === undefined)
      throw new EvolmmError(
        'SETUP_FAILED',
        'setup cuda: @evolmm/vlm must be installed beside this command, got nothing; install evolmm again',
      )
    return createRequire(library).resolve('onnxruntime-node/script/install')
  },
  run: async (script, environment) => {
    const child = spawn(process.execPath, [script], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // Says what it downloads, which takes minutes.
    child.stdout.pipe(process.stderr, { end: false })
    const ended = new Promise<number | null>((resolve, reject) => {
      child.on('error', reject).on('close', resolve)
    })
    const [errors, code] = await Promise.all([text(child.stderr), ended])
    return { code, errors }
  },
  missing: (script) => librariesOf(script).filter((file) => !existsSync(file)),
  clean: (script, since) => {
    for (const file of librariesOf(script))
      if ((statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= since) rmSync(file)
  },
}

function librariesOf(script: string): string[] {
  const bindings = join(dirname(script), '../bin')
  const abi = existsSync(bindings)
    ? readdirSync(bindings).find((name) => name.startsWith('napi-v'))
    : undefined
  return ['shared', 'cuda', 'tensorrt'].map((part) =>
    join(bindings, abi ?? '', 'linux/x64', `libonnxruntime_providers_${part}.so`),
  )
}

/** The `package.json` of `@evolmm/vlm` as a file sees it, whichever package manager put it where. */
function resolveFrom(file: string): string | undefined {
  try {
    return createRequire(file).resolve('@evolmm/vlm/package.json')
  } catch {
    return undefined
  }
}
