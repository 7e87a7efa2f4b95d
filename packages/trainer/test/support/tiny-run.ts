/** A run on the tiny checkpoint of random weights. It writes noise, so questions and answers are taken as they come. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openImageDataset } from '@evolmm/dataset'
import { resolve } from '@evolmm/settings'
import { loadVlm, type Vlm } from '@evolmm/vlm'
import sharp from 'sharp'
import { afterAll } from 'vitest'
import { evolmmSettings, startState, type EvolmmGiven, type EvolveOptions } from '../../src/index'

export const tinyFolder = fileURLToPath(
  new URL('../../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url),
)

/** What makes noise count: every question is asked, every line is an answer. */
export const noise = {
  max_new_tokens_solver: 6,
  max_new_tokens_proposer: 8,
  proposer_prompt: 'Ask.',
  solver_prompt: '{question}',
  untagged_answers: 'last-line',
  skip_malformed: false,
  lr: 1e-3,
} satisfies EvolmmGiven

/** The settings that `noise` changes, as they are for texts that make sense. */
export const sense = { untagged_answers: 'invalid', skip_malformed: true } satisfies EvolmmGiven

/** Some pictures that differ, in a folder of their own. */
export async function makeImages(count: number): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'evolmm-images-'))
  for (let i = 0; i < count; i++)
    await sharp({
      create: { width: 56, height: 56, channels: 3, background: { r: 40 * i, g: 255 - 30 * i, b: 90 } },
    })
      .png()
      .toFile(join(folder, `${i}.png`))
  return { folder, remove: () => rm(folder, { recursive: true }) }
}

/** Options for `evolve` with fresh adapters. */
export async function tinyOptions(
  vlm: Vlm,
  folder: string,
  given: EvolmmGiven = {},
  parts: Partial<EvolveOptions> = {},
): Promise<EvolveOptions> {
  return {
    solver: vlm,
    proposer: vlm,
    images: await openImageDataset({ root: folder, seed: 1 }),
    state: startState({
      solver: vlm.createAdapter({ rank: 4, seed: 1 }),
      proposer: vlm.createAdapter({ rank: 4, seed: 2 }),
    }),
    settings: resolve(evolmmSettings, { ...noise, ...given }),
    ...parts,
  }
}

/** A model and some pictures for all tests of the file that calls this; they are gone after the last one. */
export async function tinyForAll(count: number) {
  const [vlm, images] = await Promise.all([openTiny(), makeImages(count)])
  afterAll(async () => {
    await vlm.dispose()
    await images.remove()
  })
  return { vlm, images }
}

export const openTiny = () => loadVlm(tinyFolder, { device: 'cpu', threads: 1 })
