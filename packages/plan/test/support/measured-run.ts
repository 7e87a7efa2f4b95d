/** A run of `train` as it is planned, and as the kernel measures it. Linux only. */
import { readFileSync } from 'node:fs'
import { scanImages } from '@evolmm/dataset'
import { readSources, type SourcesInput } from '@evolmm/settings'
import { evolmmSettings } from '@evolmm/trainer'
import { runTrain } from '../../../cli/src/train/run-train'
import { largestImage, planRun, type PlannedMemory } from '../../src/index'

export type Flags = NonNullable<SourcesInput['flags']>

/** What `evolmm plan` computes for it. */
export async function plannedRun(flags: Flags): Promise<PlannedMemory> {
  const { settings } = await readSources(evolmmSettings, { flags })
  const plan = await planRun(settings, { device: 'cpu' })
  const images = await scanImages({
    root: settings.data_dir,
    includeSubfolders: [],
    onWarning: () => undefined,
  })
  return plan.estimate(await largestImage(plan, images))
}

/** Peak resident bytes of this process, which must be a new one, with each page of mapped files counted once. */
export async function measuredRun(flags: Flags): Promise<number> {
  const { settings } = await readSources(evolmmSettings, { flags })
  let twice = 0
  let passes = 0
  await runTrain(settings, {
    onRecord: ({ solver }) => {
      if (solver === null) throw new Error('no answer was learned from')
      if (solver.gradientNorm !== null && solver.gradientNorm > 0) passes++
      twice = countedTwice()
    },
    onWarning: () => undefined,
  })
  // With a divergence a pass is made in any case, whose gradient may be 0 at the start.
  if (settings.kl_coef === 0 && passes === 0)
    throw new Error('all answers were worth the same: no pass was made')
  return peakBytes() - twice
}

/** The most that this process had so far, with each page of mapped files as often as it is mapped. */
export function peakBytes(): number {
  const [, kilobytes] = /VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return 1024 * Number(kilobytes)
}

/** Programs map the weights each for itself: a page is in memory once, but the kernel counts it for each of them. */
export function countedTwice(): number {
  const mappings = new Map<string, number[]>()
  let place = ''
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    if (/^[\da-f]+-[\da-f]+ /.test(line)) place = /^\S+ \S+ ([\da-f]+ \S+ \d+ +\/\S+)/.exec(line)?.[1] ?? ''
    const kilobytes = /^Rss: +(\d+) kB/.exec(line)?.[1]
    if (place === '' || kilobytes === undefined) continue
    mappings.set(place, [...(mappings.get(place) ?? []), 1024 * Number(kilobytes)])
  }
  const sum = (list: readonly number[]) => list.reduce((all, each) => all + each, 0)
  return sum([...mappings.values()].map((list) => sum(list) - Math.max(...list)))
}
