/** A probe of a file of labelled questions: read once, then measured as often as somebody trains on. */
import { checkObject } from '@evolmm/internal'
import { readQuestions, type LabelledQuestion } from '@evolmm/dataset'
import { resolve } from '@evolmm/settings'
import type { Policy } from './ask'
import { probe, type ProbeOptions, type ProbeResult } from './probe'
import { probeSettings } from './settings'

export type OpenProbeOptions = Omit<ProbeOptions, 'sampler' | 'adapter' | 'items' | 'task' | 'data'> & {
  /** A `.jsonl` or `.parquet` file, whose images are relative to it. */
  file: string
}

/** Measures a policy on the questions: numbers by name, with the ends of the 95 % intervals of two of them. */
export type OpenProbe = (policy: Policy) => Promise<Record<string, number>>

export async function openProbe(given: OpenProbeOptions): Promise<OpenProbe> {
  checkObject('options', given)
  const { file, ...options } = given
  const { own, signal, ...settings } = options
  resolve(probeSettings, settings)
  const items: LabelledQuestion[] = []
  for await (const question of readQuestions(file)) items.push(question)
  return async (policy) => numbersOf(await probe({ ...settings, own, signal, ...policy, items }))
}

/** Unknown numbers are left out. */
function numbersOf(found: ProbeResult): Record<string, number> {
  const numbers: Record<string, number> = {}
  for (const [name, value] of Object.entries(found)) {
    if (typeof value !== 'number') continue
    numbers[name] = value
    if (name === 'accuracy' || name === 'majority')
      [numbers[`${name}_low`], numbers[`${name}_high`]] = wilson(value, found.known ?? found.questions)
  }
  return numbers
}

/** The 95 % interval of a share of `count` questions, by Wilson's score. */
function wilson(share: number, count: number): [low: number, high: number] {
  const z = 1.96
  const centre = share + z ** 2 / (2 * count)
  const half = z * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2))
  const scale = 1 + z ** 2 / count
  return [Math.max(0, (centre - half) / scale), Math.min(1, (centre + half) / scale)]
}
