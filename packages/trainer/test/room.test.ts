/** What a run says that its checkpoints take, against what they take. */
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { temporaryFolder } from '@evolmm/internal/testing'
import { run } from '@evolmm/runs'
import { resolve } from '@evolmm/settings'
import { expect, onTestFinished, test } from 'vitest'
import { evolmm } from '../src/evolmm'
import { openEvolmm } from '../src/open-evolmm'
import { evolmmSettings, train } from '../src/index'
import { makeImages } from './support/tiny-run'
import { tinyTrain } from './support/tiny-train'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

const wholly = {
  ...{ use_lora_solver: false, use_lora_proposer: false, lr: 1e-5 },
  ...{ lora_r: undefined, lora_alpha: undefined, lora_targets: undefined },
}

test.each([
  ['adapters', {}],
  ['all weights', wholly],
])('a run on a full disk does not begin, and names what a checkpoint takes: %s', async (_, given) => {
  const images = await makeImages(2)
  onTestFinished(images.remove)
  const folder = join(temporaryFolder(), 'run')
  const { onWarning, ...options } = tinyTrain(folder, images.folder, { ...given, total_steps: 1 })
  const refused = run(
    { ...evolmm, open: (context) => openEvolmm(context, { probe: undefined, hub: undefined }) },
    {
      ...{ folder, name: basename(folder), onWarning },
      settings: resolve(evolmmSettings, options),
      freeBytes: () => Promise.resolve(1),
    },
  ).catch((error: unknown) => error)
  const { code, details } = (await refused) as { code: string; details: { needed: number } }
  expect(code).toBe('NO_SPACE')

  await train({ ...options, onWarning })
  const checkpoint = join(folder, 'step_00001')
  const names = await readdir(checkpoint, { recursive: true })
  const entries = await Promise.all(names.map((name) => stat(join(checkpoint, name))))
  const bytes = entries.reduce((sum, entry) => sum + (entry.isFile() ? entry.size : 0), 0)
  // Headers and small files of our own are not counted.
  expect(details.needed).toBeLessThanOrEqual(bytes)
  expect(details.needed).toBeGreaterThan(0.9 * bytes)
})
