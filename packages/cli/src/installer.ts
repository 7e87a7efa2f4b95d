/**
 * The install script of `onnxruntime-node`, which fetches CUDA libraries. Packages are installed without running it,
 * since it needs a network; `evolmm setup cuda` is how it runs.
 */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'

export interface Installer {
  platform: string
  arch: string
  /** The script's path. */
  script: () => string
  run: (script: string, environment: Record<string, string>) => Promise<InstallerResult>
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
    // The runtime that `@evolmm/vlm` loads, whichever package manager put it where.
    const library = createRequire(import.meta.url).resolve('@evolmm/vlm/package.json')
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
}
