/** What a tracker opened is closed, whatever fails: a file that garbage collection closes is an error of future Nodes. */
import { readdirSync, readlinkSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { temporaryFolder } from '@evolmm/internal/testing'
import { expect, test, vi } from 'vitest'
import { guarded, tensorboard, wandb, type RunInfo } from '../src'
import { entry } from './support/entries'

const info = (folder: string): RunInfo => ({
  ...{ name: 'run', folder, config: {}, totalSteps: 3, startStep: 0 },
  probe: { accuracy: 0.5 },
})

const openIn = (folder: string) =>
  readdirSync('/proc/self/fd')
    .map((name) => {
      try {
        return readlinkSync(`/proc/self/fd/${name}`)
      } catch {
        return ''
      }
    })
    .filter((path) => path.startsWith(folder))

/** No disk has any room from now on. */
async function fillDisk(): Promise<void> {
  const handle = await open(process.execPath)
  const methods = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  vi.spyOn(methods, 'write').mockRejectedValue(new Error('ENOSPC: no space left on device, write'))
}

test.runIf(process.platform === 'linux').each([
  ['tensorboard', tensorboard],
  ['wandb', () => wandb({ mode: 'offline', project: 'p' })],
])('%s closes its files when it cannot begin, or not go on', async (_, make) => {
  const [cannotBegin, cannotGoOn] = [temporaryFolder(), temporaryFolder()]
  const late = guarded([make()], { onWarning: () => undefined })
  await late.start(info(cannotGoOn))
  expect(openIn(cannotGoOn)).toHaveLength(1)

  await fillDisk()
  const tracker = guarded([make()], { onWarning: () => undefined })
  await tracker.start(info(cannotBegin))
  for (const each of [tracker, late]) {
    for (const step of [1, 2, 3]) await each.log(entry(step))
    await each.finish({ step: 3, status: 'finished' })
    expect(each.counts()[0].failures).toBeGreaterThan(0)
  }
  expect(openIn(cannotBegin)).toEqual([])
  expect(openIn(cannotGoOn)).toEqual([])
  expect(readdirSync(cannotBegin).filter((name) => name.startsWith('events'))).toEqual([])
})
