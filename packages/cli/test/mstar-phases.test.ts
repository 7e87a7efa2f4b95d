import type { MstarProgress, MstarRecord } from '@evolmm/mstar'
import { expect, test } from 'vitest'
import { followPhases } from '../src/mstar/follow-phases'
import { showProgress } from '../src/progress'
import { fakeContext } from './support/run-command'

const record = (step: number): MstarRecord => ({
  ...{ step, loss: 0.5, learningRate: 1e-6, gradientNorm: 1, skipped: false },
  ...{ images: 1, answers: 1, tokens: 10, seconds: 3 },
  ...{ cycle: 1, temperature: 1, generated: null, dynamics: null, sweep: null },
  phases: { generate: 5, monitor: 1, sweep: 1 },
})

/** A cycle of 40 answers in eights, two temperatures of 20, watched by 5, that learns four of eight steps. */
function cycle(terminal: boolean): string[] {
  const written = { stdout: '', stderr: '' }
  const { onProgress, onRecord } = followPhases(showProgress(fakeContext({ terminal }, written)), 8)
  const tell = (phase: MstarProgress['phase'], total: number, counts: readonly number[]) => {
    for (const done of counts)
      onProgress({ phase, cycle: 1, total, done, secondsLeft: done === 0 ? undefined : 2 * (total - done) })
  }
  tell('sweep', 40, [1, 20, 40])
  tell('generate', 40, [0, 8, 9, 16, 40])
  for (const step of [1, 2, 3, 4]) {
    tell('learn', 4, [step])
    if (step === 4) tell('monitor', 5, [5])
    onRecord(record(step))
  }
  expect(written.stdout).toBe('')
  return written.stderr.split(terminal ? /\r/ : '\n').slice(terminal ? 1 : 0)
}

test('each phase says how much of it is done and the time that is left, elsewhere than on a terminal at every tenth', () => {
  expect(cycle(false)).toEqual([
    'cycle 1, choosing a temperature:  50 % of 40 answers, 40 s left',
    'cycle 1, choosing a temperature: 100 % of 40 answers, 0 s left',
    'cycle 1, generating:  20 % of 40 answers, 1 min 4 s left',
    'cycle 1, generating:  40 % of 40 answers, 48 s left',
    'cycle 1, generating: 100 % of 40 answers, 0 s left',
    'cycle 1, learning:  25 % of 4 steps, 6 s left; 12 % of all, 1 min 10 s left; loss 0.5000',
    'cycle 1, learning:  50 % of 4 steps, 4 s left; 25 % of all, 1 min 0 s left; loss 0.5000',
    'cycle 1, learning:  75 % of 4 steps, 2 s left; 37 % of all, 50 s left; loss 0.5000',
    'cycle 1, watching: 100 % of 5 answers, 0 s left',
    'cycle 1, learning: 100 % of 4 steps, 0 s left; 50 % of all, 40 s left; loss 0.5000',
    '',
  ])
})

test('on a terminal all of it is one line, which is written over', () => {
  const lines = cycle(true)
  expect(lines).toHaveLength(13)
  expect(lines[3]).toContain('cycle 1, generating:   0 % of 40 answers')
  expect(lines[3]).not.toContain('left')
})
