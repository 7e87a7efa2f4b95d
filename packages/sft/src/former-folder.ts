/**
 * Folders of `evolmm warmup` from before runs had `run.json` and checkpoints: `warmup.json` says what run it is, and
 * `warmup.safetensors` is where an unfinished one goes on from. They become runs as they are written now, once.
 */
import { rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseObject } from '@evolmm/internal'
import { isThere, lockFile, readSmallText, unreadable } from '@evolmm/internal/node'
import { findCheckpoints, readRunFile, saveCheckpoint, writeRunFile } from '@evolmm/runs'
import { savedState } from './saved-state'
import { sft } from './sft'
import { loadState } from './state-file'

/** Does nothing for a folder that is none of them. Throws what reading and writing throws. */
export async function takeUpFormer(folder: string): Promise<void> {
  const file = join(folder, 'warmup.json')
  const text = (await isThere(file)) ? await readSmallText(file).catch(unreadable(file)) : undefined
  const stored = text === undefined ? undefined : parseObject(text)
  if (stored === undefined || (await readRunFile(folder)) !== undefined) return
  const unlock = await lockFile(join(folder, 'run.lock'))
  try {
    const identity = { ...stored, lora_targets: modulesOf(stored.lora_targets) }
    await takeUpState(folder, identity)
    await writeRunFile(folder, {
      schema_version: 1,
      method: sft.name,
      name: basename(folder),
      started: (await stat(file)).mtime.toISOString(),
      versions: {},
      config: identity,
      identity,
      probe: null,
    })
    // It is in a checkpoint now.
    await rm(stateFile(folder), { force: true })
  } finally {
    await unlock()
  }
}

const stateFile = (folder: string): string => join(folder, 'warmup.safetensors')

async function takeUpState(folder: string, identity: Readonly<Record<string, unknown>>): Promise<void> {
  if ((await stat(stateFile(folder)).catch(() => undefined)) === undefined) return
  const state = await loadState(stateFile(folder))
  const { step } = state
  const found = await findCheckpoints(folder)
  if (step === 0 || found.some((each) => each.complete && each.step === step)) return
  await saveCheckpoint({ folder, step, identity, state: savedState(state) })
}

/** Modules were once stored as they were typed. */
function modulesOf(targets: unknown): unknown {
  return typeof targets === 'string' ? targets.split(',').map((name) => name.trim()) : (targets ?? null)
}
