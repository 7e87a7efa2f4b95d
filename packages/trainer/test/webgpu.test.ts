/** Two iterations of the trainer on the WebGPU provider beside the CPU, each in a process of its own. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { bundleScript, prepareWebGpu, sizedTest } from '@evolmm/internal/testing'
import { describe, expect } from 'vitest'
import type { IterationRecord } from '../src/index'
import { makeImages, tinyFolder } from './support/tiny-run'

interface Run {
  records: IterationRecord[]
  /** The way that each parameter of the solver and of the proposer went. */
  moved: number[][]
}

const missing = prepareWebGpu()
const title = missing === undefined ? 'WebGPU' : `WebGPU, skipped: ${missing}`

describe.skipIf(missing !== undefined)(title, () => {
  sizedTest(
    'as on the CPU: the same texts and rewards, numbers within 1e-3, steps within 1 %',
    { iterations: [0, 2, 2] },
    async ({ count }) => {
      const images = await makeImages(4)
      const script = await bundleScript(new URL('support/device-evolve.ts', import.meta.url))
      const run = async (device: string): Promise<Run> => {
        const args = [script.file, tinyFolder, images.folder, device]
        const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 28 })
        return JSON.parse(stdout) as Run
      }
      try {
        const [cpu, gpu] = [await run('cpu'), await run('webgpu')]
        expect(gpu.records).toHaveLength(count)
        for (const [i, { images: want, solver, proposer }] of cpu.records.entries()) {
          const got = gpu.records[i]
          expect(got.images.map(facts)).toEqual(want.map(facts))
          for (const [update, other] of [
            [got.solver, solver],
            [got.proposer, proposer],
          ]) {
            expect(update?.updates).toBe(other?.updates)
            for (const name of ['ce', 'kl', 'entropy'] as const)
              expect(Math.abs(Number(update?.[name]) - Number(other?.[name]) || 0)).toBeLessThan(1e-3)
          }
        }
        expect(cpu.records[0].solver?.updates).toBe(1)
        expect(cpu.records[1].proposer?.updates).toBe(1)
        for (const [role, want] of cpu.moved.entries()) {
          const apart = want.map((value, i) => gpu.moved[role][i] - value)
          expect(Math.hypot(...apart)).toBeLessThan(0.01 * Math.hypot(...want))
        }
      } finally {
        script.remove()
        await images.remove()
      }
    },
  )
})

/** What was said and what it earned. */
const facts = ({
  proposerText,
  question,
  answers,
  majority,
  proposerReward,
}: IterationRecord['images'][number]) => ({
  proposerText,
  question,
  answers: answers.map(({ text, reward }) => [text, reward]),
  majority,
  proposerReward,
})
