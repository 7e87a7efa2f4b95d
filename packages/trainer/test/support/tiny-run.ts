/** A run on the tiny checkpoint of random weights. It writes noise, so questions and answers are taken as they come. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openImageDataset } from '@evolmm/dataset'
import { loadVlm, type Vlm } from '@evolmm/vlm'
import sharp from 'sharp'
import { startState, type EvolveOptions } from '../../src/index'

export const tinyFolder = fileURLToPath(
  new URL('../../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url),
)

/** What makes noise count: every question is asked, every line is an answer. */
export const noise = {
  sampling: { solverTokens: 6, proposerTokens: 8 },
  prompts: { proposer: 'Ask.', solver: '{question}' },
  rewards: { untagged: 'last-line' },
  guards: { skip: [] },
} satisfies Partial<EvolveOptions>

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
  given: Partial<EvolveOptions> = {},
): Promise<EvolveOptions> {
  return {
    solver: vlm,
    proposer: vlm,
    images: await openImageDataset({ root: folder, seed: 1 }),
    state: startState({
      solver: vlm.createAdapter({ rank: 4, seed: 1 }),
      proposer: vlm.createAdapter({ rank: 4, seed: 2 }),
    }),
    optimizer: { lr: 1e-3 },
    ...noise,
    ...given,
  }
}

export const openTiny = () => loadVlm(tinyFolder, { device: 'cpu', threads: 1 })
