/** A run that is tracked by a W&B server of ours: folder, server and warnings are new for each test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect } from 'vitest'
import {
  EvolmmError,
  wandb,
  type RunInfo,
  type RunOutcome,
  type Tracker,
  type WandbConnectionOptions,
  type WandbOptions,
} from '../../src'
import { entry } from './entries'
import { apiKey, wandbServer, type ServerRun, type WandbServer } from './wandb-server'

/** Call it once in a test file: it makes folder and server before each test, and removes them after it. */
export function wandbRun() {
  const at = {} as { folder: string; server: WandbServer; warnings: { code: string; message: string }[] }
  beforeEach(async () => {
    at.folder = mkdtempSync(join(tmpdir(), 'evolmm-wandb-'))
    at.server = await wandbServer()
    at.warnings = []
  })
  afterEach(async () => {
    await at.server.close()
    rmSync(at.folder, { recursive: true })
  })

  function options(given: WandbOptions = {}): WandbOptions {
    return {
      mode: 'online',
      baseUrl: at.server.url,
      environment: { WANDB_API_KEY: apiKey },
      retryDelay: 1,
      uploadInterval: 1,
      onWarning: (message, code) => at.warnings.push({ message, code }),
      ...given,
    }
  }

  /** Those of them that say how the server is reached: what `syncWandb` takes. */
  function connection(given: WandbConnectionOptions = {}): WandbConnectionOptions {
    const { mode, uploadInterval, ...rest } = options(given)
    expect([mode, uploadInterval]).toEqual(['online', 1])
    return rest
  }

  function info(startStep = 0, given: Partial<RunInfo> = {}): RunInfo {
    return {
      name: 'charts',
      folder: at.folder,
      config: { lr: 1e-6, lora_targets: ['q_proj'] },
      totalSteps: 300,
      startStep,
      probe: null,
      ...given,
    }
  }

  /** The tracker of a mode in which there is something to do. */
  const open = (given: WandbOptions = {}) => wandb(options(given)) as Required<Tracker>

  async function run(
    from: number,
    to: number,
    given: WandbOptions = {},
    { status = 'finished', pause = 0 }: { status?: RunOutcome['status']; pause?: number } = {},
  ): Promise<void> {
    const tracker = wandb(options(given))
    await tracker.start?.(info(from - 1))
    for (let step = from; step <= to; step++) {
      await tracker.log?.(entry(step))
      if (pause > 0) await delay(pause)
    }
    await tracker.flush?.()
    await tracker.finish?.({ step: to, status })
  }

  function onlyRun(): ServerRun {
    expect(at.server.runs.size).toBe(1)
    return [...at.server.runs.values()][0]
  }

  return { at, options, connection, info, open, run, onlyRun }
}

export function stepsOf({ history }: ServerRun): unknown[] {
  return Array.from(history, (line) =>
    line === undefined ? undefined : (JSON.parse(line) as { _step: number })._step,
  )
}

export function upTo(n: number, from = 1): number[] {
  return Array.from({ length: n - from + 1 }, (_, i) => from + i)
}

export async function codeOf(action: () => unknown): Promise<string | undefined> {
  try {
    await action()
    return undefined
  } catch (error) {
    if (!(error instanceof EvolmmError)) throw error
    return error.code
  }
}
